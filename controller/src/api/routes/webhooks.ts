import { createHmac, timingSafeEqual } from 'node:crypto';
import { Router, type Request } from 'express';
import { AppError } from '../../contract/errors.js';
import type { ApiDeps } from '../deps.js';

/** GitHub sends no more. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;

/**
 * `POST /webhooks/remote`: the remote says that somebody pushed. It carries no token of ours: its signature is by the
 * secret that both sides know. What it says is not believed, only that there is news.
 */
export function webhookRoutes({ remote, webhookSecret }: ApiDeps): Router {
  const router = Router();
  router.post('/webhooks/remote', async (request, response) => {
    if (remote === undefined || webhookSecret === undefined)
      throw new AppError('NOT_FOUND', 'No webhook of a remote is expected here.');
    if (!(await isSigned(request, webhookSecret)))
      throw new AppError(
        'UNAUTHENTICATED',
        'The webhook is not signed with the secret of this installation.',
      );
    remote.news();
    response.status(202).json({});
  });
  return router;
}

/** GitHub, Gitea and Forgejo sign the body; GitLab sends the secret itself. */
async function isSigned(request: Request, secret: string): Promise<boolean> {
  const digest = await digestOf(request, secret);
  const { 'x-gitlab-token': token, 'x-hub-signature-256': signature } = request.headers;
  if (typeof token === 'string') return same(token, secret);
  return typeof signature === 'string' && same(signature, `sha256=${digest}`);
}

/** Whoever sends it is not known yet: none of it is kept. */
async function digestOf(request: Request, secret: string): Promise<string> {
  const hmac = createHmac('sha256', secret);
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES) throw new AppError('TOO_LARGE', 'No webhook has more than 25 MiB.');
    hmac.update(chunk);
  }
  return hmac.digest('hex');
}

/** Hashed first: the time it takes says nothing, not even about the length. */
function same(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHmac('sha256', 'compare').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
