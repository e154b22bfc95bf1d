import type { CloneDto } from '../contract/workspace.js';

/** The words of a server that somebody named reach only those who could have named it. */
export function cloneDto(clone: CloneDto, mayChange: boolean): CloneDto {
  if (clone.state !== 'failed') return clone;
  const { state, what, triedAgain } = clone;
  return mayChange ? { ...clone, mayChange } : { state, what, triedAgain };
}
