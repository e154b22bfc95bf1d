import { describe, expect, it } from 'vitest';
import { validated } from '../validated.js';
import { logInInput, signUpInput } from './credentials.js';

const password = 'correct horse';

function errorsOf(input: unknown): Record<string, string> {
  try {
    validated(signUpInput, input);
    return {};
  } catch (error) {
    const { errors } = error as { errors: { field: string; message: string }[] };
    return Object.fromEntries(errors.map(({ field, message }) => [field, message]));
  }
}

describe('signUpInput', () => {
  it.each([
    ['ada', 'ada'],
    ['Ada', 'ada'],
    ['  ADA_lovelace-1815  ', 'ada_lovelace-1815'],
    ['a'.repeat(32), 'a'.repeat(32)],
  ])('takes %j as %j', (username, expected) => {
    expect(validated(signUpInput, { username, password }).username).toBe(expected);
  });

  it.each([
    'ab',
    'a'.repeat(33),
    'ada lovelace',
    'ada@example.com',
    'ädä',
    'ada\0',
    'a\nda',
    '<script>',
    'ＡＤＡ',
  ])('refuses the username %j, beside its field', (username) => {
    expect(errorsOf({ username, password })).toEqual({
      username: 'A username has 3 to 32 characters: letters from a to z, digits, _ and -.',
    });
  });

  it.each([
    [{ username: '', password }, { username: 'A username is needed.' }],
    [{ password }, { username: 'A username is needed.' }],
    [{ username: ['ada'], password }, { username: 'A username is needed.' }],
    [{ username: 'ada' }, { password: 'A password is needed.' }],
    [{ username: 'ada', password: '1234567' }, { password: 'A password has at least 8 characters.' }],
    [{ username: 'ada', password: '🦊'.repeat(7) }, { password: 'A password has at least 8 characters.' }],
    [{ username: 'ada', password: 'x'.repeat(257) }, { password: 'A password has at most 256 characters.' }],
    [{ username: 'ada', password, operator: true }, { operator: 'There is no such field.' }],
  ])('refuses %j', (input, expected) => {
    expect(errorsOf(input)).toMatchObject(expected);
  });

  it('takes long passwords and every character in them as they are', () => {
    const odd = ` ${'🦊'.repeat(127)}\0${'é'.repeat(127)}`;
    expect(validated(signUpInput, { username: 'ada', password: odd }).password).toBe(odd);
  });
});

describe('logInInput', () => {
  it('does not say which accounts cannot exist', () => {
    expect(validated(logInInput, { username: 'a b!', password: 'x' })).toEqual({
      username: 'a b!',
      password: 'x',
    });
  });
});
