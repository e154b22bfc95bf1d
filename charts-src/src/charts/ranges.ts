/** A range of addresses as a number and how many of its leading bits count. Text that the schema lets through is one. */
interface Range {
  readonly width: 32 | 128;
  readonly address: bigint;
  readonly prefix: number;
}

/** Whether every address of `inner` is in `outer`. Ranges of different families have nothing in common. */
export function covers(outer: string, inner: string): boolean {
  const [a, b] = [parse(outer), parse(inner)];
  return a.width === b.width && a.prefix <= b.prefix && leading(a, a.prefix) === leading(b, a.prefix);
}

export const isIpv6 = (range: string): boolean => range.includes(':');

/** Without those that lie in another one of the list, or are it again. */
export const withoutCovered = (ranges: readonly string[]): readonly string[] =>
  ranges.filter(
    (range, index) =>
      !ranges.some(
        (other, at) => at !== index && covers(other, range) && (!covers(range, other) || at < index),
      ),
  );

const leading = ({ width, address }: Range, bits: number): bigint => address >> BigInt(width - bits);

function parse(text: string): Range {
  const [address = '', prefix = ''] = text.split('/');
  return isIpv6(text)
    ? { width: 128, address: ipv6(address), prefix: Number(prefix) }
    : { width: 32, address: ipv4(address), prefix: Number(prefix) };
}

const ipv4 = (text: string): bigint =>
  text.split('.').reduce((sum, part) => sum * 256n + BigInt(Number(part)), 0n);

function ipv6(text: string): bigint {
  const [head = '', tail] = hexadecimal(text).split('::');
  const groups = (part: string | undefined): string[] =>
    (part ?? '').split(':').filter((group) => group !== '');
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

/** `::ffff:10.0.0.1` -> `::ffff:a00:1` */
function hexadecimal(text: string): string {
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0];
  if (dotted === undefined) return text;
  const value = ipv4(dotted);
  return `${text.slice(0, -dotted.length)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

/**
 * The same IPv4 addresses as a translating network names them, by the well-known prefix 64:ff9b::/96 (RFC 6052):
 * "10.0.0.0/8" -> "64:ff9b::a00:0/104".
 */
export function throughNat64(range: string): string {
  const { address, prefix } = parse(range);
  const groups = [address >> 16n, address & 0xffffn].map((group) => group.toString(16));
  const text = groups.join(':').replace(/^0:/, '').replace(/^0$/, '');
  return `64:ff9b::${text}/${prefix + 96}`;
}
