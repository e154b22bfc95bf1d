import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, throughNat64, withoutCovered } from './ranges.js';

describe('ranges', () => {
  it.each([
    ['0.0.0.0/0', '169.254.169.254/32', true],
    ['10.0.0.0/8', '10.255.255.255/32', true],
    ['10.0.0.0/8', '11.0.0.0/8', false],
    ['10.1.0.0/16', '10.0.0.0/8', false],
    ['10.0.0.0/8', '10.0.0.0/8', true],
    ['10.9.9.9/8', '10.0.0.0/9', true],
    ['::/0', '10.0.0.0/8', false],
    ['fc00::/7', 'fd00:ec2::254/128', true],
    ['fd00::/8', 'fc00::/8', false],
    ['::/0', '::1/128', true],
    ['::ffff:0:0/96', '::ffff:10.0.0.1/128', true],
    ['2001:db8::/32', '2001:db8:1:2:3:4:5:6/128', true],
  ])('%s covers %s: %s', (outer, inner, expected) => {
    expect(covers(outer, inner)).toBe(expected);
  });

  it('agree with Node about single addresses', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), (net, prefix, address) => {
        const list = new BlockList();
        list.addSubnet(net, prefix, 'ipv4');
        expect(covers(`${net}/${prefix}`, `${address}/32`)).toBe(list.check(address));
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.ipV6(), (net, prefix, address) => {
        const list = new BlockList();
        list.addSubnet(net, prefix, 'ipv6');
        expect(covers(`${net}/${prefix}`, `${address}/128`)).toBe(list.check(address, 'ipv6'));
      }),
    );
  });

  it('leave out what another one covers, and keep one of two that are the same', () => {
    expect(
      withoutCovered(['169.254.169.254/32', '169.254.0.0/16', '10.0.0.0/8', '10.0.0.0/8', 'fd00::/8']),
    ).toEqual(['169.254.0.0/16', '10.0.0.0/8', 'fd00::/8']);
  });

  it.each([
    ['10.0.0.0/8', '64:ff9b::a00:0/104'],
    ['169.254.169.254/32', '64:ff9b::a9fe:a9fe/128'],
    ['0.0.1.0/24', '64:ff9b::100/120'],
    ['0.0.0.0/0', '64:ff9b::/96'],
  ])('%s is %s where a network translates', (range, expected) => {
    expect(throughNat64(range)).toBe(expected);
  });

  it('has, translated, what it has, and nothing else', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), (net, prefix, address) => {
        expect(covers(throughNat64(`${net}/${prefix}`), `64:ff9b::${address}/128`)).toBe(
          covers(`${net}/${prefix}`, `${address}/32`),
        );
      }),
    );
  });
});
