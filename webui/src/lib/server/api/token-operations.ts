import { createTokenInput } from '../accounts/access-tokens.js';
import { createTokenCodeInput, redeemTokenCodeInput } from '../accounts/token-codes.js';
import type { Operation } from './operations.js';

/** The part of the public API that is about personal access tokens. */
export const tokenOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/tokens',
    summary: 'List your personal access tokens',
    status: 200,
    answer: 'The tokens, without their secret part.',
  },
  {
    method: 'post',
    path: '/api/tokens',
    summary: 'Make a personal access token',
    status: 201,
    answer: 'The token. It is shown this once.',
    input: createTokenInput,
  },
  {
    method: 'delete',
    path: '/api/tokens/{tokenId}',
    summary: 'Delete a personal access token',
    status: 204,
    answer: 'Nothing.',
  },
  {
    method: 'post',
    path: '/api/tokens/codes',
    summary: 'Make a code that becomes a personal access token once, within ten minutes',
    status: 201,
    answer: 'The code. It is shown this once.',
    input: createTokenCodeInput,
  },
  {
    method: 'post',
    path: '/api/tokens/codes/redeem',
    summary: 'Make a personal access token from a code',
    status: 201,
    answer: 'The token. It is shown this once.',
    input: redeemTokenCodeInput,
    open: true,
  },
];
