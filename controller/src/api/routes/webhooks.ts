import { createHmac, timingSafeEqual } from 'node:crypto';
import express, { Router, type Request } from 'express';
import { AppError } from '../../contract/errors.js';
import type { ApiDeps } from '../deps.js';

/** GitHub sends at most 25 MB; nothing of it is read but its signature. */
const BODY_LIMIT = '25mb';

/**
 * `POST /webhooks/remote`: the remote says that somebody pushed. It carries no token of ours: its signature is by the
 * secret that both sides know. What it says is not believed, only that there is news.
 */
export function webhookRoutes({ remote, webhookSecret }: ApiDeps): Router {
  const router = Router();
  router.post(
    '/webhooks/remote',
    express.raw({ type: () => true, limit: BODY_LIMIT }),
    (request, response) => {
      if (remote === undefined || webhookSecret === undefined)
        throw new AppError('NOT_FOUND', 'No webhook of a remote is expected here.');
      if (!isSigned(request, webhookSecret))
        throw new AppError(
          'UNAUTHENTICATED',
          'The webhook is not signed with the secret of this installation.',
        );
      remote.news();
      response.status(202).json({});
    },
  );
  return router;
}

/** GitHub, Gitea and Forgejo sign the body; GitLab sends the secret itself. */
function isSigned(request: Request, secret: string): boolean {
  const token = request.headers['x-gitlab-token'];
  if (typeof token === 'string') return same(token, secret);
  const signature = request.headers['x-hub-signature-256'];
  const body: unknown = request.body;
  if (typeof signature !== 'string' || !Buffer.isBuffer(body)) return false;
  return same(signature, `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
}

/** Hashed first: the time it takes says nothing, not even about the length. */
function same(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHmac('sha256', 'compare').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
