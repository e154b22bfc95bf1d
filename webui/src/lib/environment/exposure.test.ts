import { describe, expect, it } from 'vitest';
import { exposureOf, looksSecret } from './exposure.js';
import { newRow, rowsOf, type VariableRow } from './rows.js';

const stored = (name: string, value: string | undefined, change: Partial<VariableRow> = {}): VariableRow => {
  const variable = value === undefined ? { name, secret: true } : { name, secret: false, value };
  const [row] = rowsOf({ version: 'v', variables: [variable] });
  if (row === undefined) throw new Error('No row.');
  return { ...row, ...change };
};

describe('looksSecret', () => {
  it.each([
    ['STRIPE_KEY', 'sk_live_51HabcDEF'],
    ['GH', 'ghp_0123456789abcdefABCDEF0123456789abcd'],
    ['X', '-----BEGIN RSA PRIVATE KEY-----\nMII'],
    ['MIRROR', 'postgres://app:hunter2@db.example/app'],
    ['AWS', 'AKIAABCDEFGHIJKLMNOP'],
    ['DB_PASSWORD', 'x'],
    ['session_secret', 'abc'],
    ['OPENAI_API_KEY', 'abc'],
  ])('%s=%s', (name, value) => {
    expect(looksSecret(name, value)).toBe(true);
  });

  it.each([
    ['API_URL', 'https://api.example.com'],
    ['DB_PASSWORD', ''],
    ['NEXT_PUBLIC_API_KEY', 'abc'],
    ['STRIPE_PUBLISHABLE_API_KEY', 'pk_live_abc'],
    ['TOKENIZER', 'gpt2'],
    ['KEYBOARD', 'de'],
    ['MAIL', 'ada@example.com'],
    ['PROXY', 'http://proxy.example:8080/a@b'],
  ])('not %s=%s', (name, value) => {
    expect(looksSecret(name, value)).toBe(false);
  });
});

describe('exposureOf', () => {
  it.each<[string, VariableRow, string | undefined]>([
    ['plain, turned into a secret', stored('MODE', 'x', { secret: true }), 'history'],
    [
      'plain, turned into a secret with a new value',
      stored('MODE', 'x', { secret: true, value: 'y' }),
      'history',
    ],
    ['plain and empty, turned into a secret', stored('MODE', '', { secret: true, value: 'y' }), undefined],
    ['a secret that stays one', stored('TOKEN', undefined), undefined],
    ['a secret with a new value', stored('TOKEN', undefined, { value: 'y' }), undefined],
    ['a secret that becomes readable', stored('TOKEN', undefined, { secret: false, value: 'y' }), 'soon'],
    ['plain, and looks like a secret', stored('API_TOKEN', 'x'), 'readable'],
    ['plain, looked like a secret, changed', stored('API_TOKEN', 'x', { value: '' }), 'readable'],
    ['plain, and is none', stored('MODE', 'x'), undefined],
    ['plain, now with the value of a secret', stored('MODE', 'x', { value: 'ghp_012345678' }), 'soon'],
    ['new and plain, looks like a secret', newRow({ name: 'API_TOKEN', value: 'x' }), 'soon'],
    ['new and secret', newRow({ name: 'API_TOKEN', value: 'x', secret: true }), undefined],
  ])('%s', (...[, row, expected]) => {
    expect(exposureOf(row)).toBe(expected);
  });
});
