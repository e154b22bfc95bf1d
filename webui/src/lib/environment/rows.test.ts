import type { EnvironmentDto } from '@fullstackagent/controller/contract';
import { describe, expect, it } from 'vitest';
import {
  dropsSecret,
  hasAgentKey,
  inputOf,
  isChanged,
  newRow,
  rebase,
  rowsOf,
  type VariableRow,
  withTheirs,
} from './rows.js';

const base: EnvironmentDto = {
  version: 'v1',
  variables: [
    { name: 'API_URL', secret: false, value: 'https://a' },
    { name: 'STRIPE_KEY', secret: true },
    { name: 'OLD', secret: false, value: 'x' },
  ],
};

const plain = (rows: readonly VariableRow[]): unknown[] =>
  rows.map(({ name, value, secret }) => ({ name, value, secret }));

const rowNamed = (rows: VariableRow[], name: string): VariableRow => {
  const row = rows.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
};

describe('inputOf', () => {
  it('keeps a blank secret, sends a changed one, leaves empty new lines out', () => {
    const rows = [...rowsOf(base), newRow({ name: ' NEW ', value: 'v', secret: true }), newRow()];
    expect(inputOf(rows, 'v1')).toEqual({
      version: 'v1',
      variables: [
        { name: 'API_URL', value: 'https://a', secret: false },
        { name: 'STRIPE_KEY', secret: true, unchanged: true },
        { name: 'OLD', value: 'x', secret: false },
        { name: 'NEW', value: 'v', secret: true },
      ],
    });
    rowNamed(rows, 'STRIPE_KEY').value = 'sk_live';
    expect(inputOf(rows, 'v1').variables[1]).toEqual({ name: 'STRIPE_KEY', value: 'sk_live', secret: true });
  });
});

describe('dropsSecret', () => {
  const { variables } = base;
  const without = (name: string): VariableRow[] => rowsOf(base).filter((row) => row.name !== name);
  const changed = (name: string, change: Partial<VariableRow>): VariableRow[] => {
    const rows = rowsOf(base);
    Object.assign(rowNamed(rows, name), change);
    return rows;
  };

  it.each<[string, VariableRow[], boolean]>([
    ['nothing is changed', rowsOf(base), false],
    ['another secret is added', [...rowsOf(base), newRow({ name: 'NEW', value: 'v', secret: true })], false],
    ['what is no secret goes', without('OLD'), false],
    ['a secret goes', without('STRIPE_KEY'), true],
    ['a secret gets another value', changed('STRIPE_KEY', { value: 'sk_live' }), true],
    ['a secret gets another name', changed('STRIPE_KEY', { name: 'KEY' }), true],
  ])('where %s', (_what, rows, expected) => {
    expect(dropsSecret(rows, variables)).toBe(expected);
  });
});

describe('hasAgentKey', () => {
  it.each([
    [['ANTHROPIC_API_KEY'], true],
    [['A', ' CLAUDE_CODE_OAUTH_TOKEN '], true],
    [['ANTHROPIC_BASE_URL', 'anthropic_api_key'], false],
    [[], false],
  ])('%j: %s', (names, there) => {
    expect(hasAgentKey(names.map((name) => newRow({ name })))).toBe(there);
  });
});

describe('isChanged', () => {
  it('is false for an untouched form, empty new lines included', () => {
    expect(isChanged([...rowsOf(base), newRow()], base)).toBe(false);
  });

  it.each<[string, (rows: VariableRow[]) => void]>([
    ['a value', (rows) => void (rowNamed(rows, 'OLD').value = 'y')],
    ['a secret', (rows) => void (rowNamed(rows, 'STRIPE_KEY').value = 'y')],
    ['a name', (rows) => void (rowNamed(rows, 'OLD').name = 'NEWER')],
    ['secrecy', (rows) => void (rowNamed(rows, 'OLD').secret = true)],
    ['a new line', (rows) => void rows.push(newRow({ name: 'A' }))],
    ['a removal', (rows) => void rows.pop()],
  ])('sees %s', (_what, change) => {
    const rows = rowsOf(base);
    change(rows);
    expect(isChanged(rows, base)).toBe(true);
  });
});

describe('rebase', () => {
  const theirs: EnvironmentDto = {
    version: 'v2',
    variables: [
      { name: 'API_URL', secret: false, value: 'https://theirs' },
      { name: 'STRIPE_KEY', secret: true },
      { name: 'OLD', secret: false, value: 'x' },
      { name: 'THEIR_NEW', secret: false, value: '1' },
    ],
  };

  it('takes their lines and keeps mine', () => {
    const rows = rowsOf(base).filter((row) => row.name !== 'OLD');
    rowNamed(rows, 'STRIPE_KEY').value = 'sk_new';
    rows.push(newRow({ name: 'MY_NEW', value: '2' }), newRow());
    const { rows: merged, both } = rebase(rows, base, theirs);
    expect(plain(merged)).toEqual([
      { name: 'API_URL', value: 'https://theirs', secret: false },
      { name: 'STRIPE_KEY', value: 'sk_new', secret: true },
      { name: 'THEIR_NEW', value: '1', secret: false },
      { name: 'MY_NEW', value: '2', secret: false },
    ]);
    expect(both).toEqual([]);
  });

  it('names what both changed and keeps what I typed', () => {
    const rows = rowsOf(base);
    rowNamed(rows, 'API_URL').value = 'https://mine';
    rows.push(newRow({ name: 'THEIR_NEW', value: 'mine' }));
    const { rows: merged, both } = rebase(rows, base, theirs);
    expect(both).toEqual(['API_URL', 'THEIR_NEW']);
    expect(rowNamed(merged, 'API_URL').value).toBe('https://mine');
    expect(rowNamed(merged, 'THEIR_NEW').value).toBe('mine');
  });

  it('brings back what they removed only where I changed it', () => {
    const removed: EnvironmentDto = { version: 'v2', variables: [] };
    const rows = rowsOf(base);
    rowNamed(rows, 'OLD').value = 'changed';
    expect(plain(rebase(rows, base, removed).rows)).toEqual([
      { name: 'OLD', value: 'changed', secret: false },
    ]);
  });
});

describe('withTheirs', () => {
  const theirs: EnvironmentDto = {
    version: 'v2',
    variables: [
      { name: 'API_URL', secret: false, value: 'https://theirs' },
      { name: 'STRIPE_KEY', secret: true },
    ],
  };

  it('takes their value, and leaves the lines that nobody decided about', () => {
    const rows = rowsOf(base);
    rowNamed(rows, 'API_URL').value = 'https://mine';
    rowNamed(rows, 'OLD').value = 'y';
    const merged = rebase(rows, base, theirs).rows;
    const settled = withTheirs(merged, theirs, ['API_URL']);
    expect(rowNamed(settled, 'API_URL').value).toBe('https://theirs');
    expect(rowNamed(settled, 'OLD').value).toBe('y');
    expect(isChanged(withTheirs(merged, theirs, ['API_URL', 'OLD']), theirs)).toBe(false);
  });

  it('takes out what they removed, and brings back what this person removed or renamed', () => {
    const rows = rowsOf(base).filter(({ name }) => name !== 'STRIPE_KEY');
    rowNamed(rows, 'API_URL').name = 'BASE_URL';
    const merged = rebase(rows, base, theirs).rows;
    const settled = withTheirs(merged, theirs, ['API_URL', 'STRIPE_KEY', 'OLD']);
    expect(settled.map(({ name }) => name)).toEqual(['BASE_URL', 'API_URL', 'STRIPE_KEY']);
  });
});
