import { expect, test } from 'vitest';
import { cloneDto } from './clone-dto.js';

const failed = { state: 'failed', what: 'It could not be cloned.', triedAgain: true } as const;
const told = { ...failed, why: 'fatal: what a server says' };

test('those who may change the project read why it could not be cloned', () => {
  expect(cloneDto(told, true)).toEqual({ ...told, mayChange: true });
});

test('a viewer reads that it could not be cloned, and none of the words of a server', () => {
  expect(cloneDto(told, false)).toEqual(failed);
});

test('nothing else is different for a viewer', () => {
  const cloning = {
    state: 'cloning',
    url: 'https://git.example/blog.git',
    progress: 'Receiving objects: 1%',
  } as const;
  expect(cloneDto(cloning, false)).toEqual(cloning);
});
