import { pipeline } from 'node:stream/promises';
import { Router, type Request, type Response } from 'express';
import { downloadQuery, uploadQuery, uploadStateQuery } from '../../contract/files.js';
import type { Download } from '../../sandbox/files.js';
import type { ApiDeps } from '../deps.js';
import { contextOf, projectOf, queryOf } from '../request.js';

const FILES = '/v1/tenants/:namespace/projects/:id/files';

/** Bodies are streams in both directions: a file of any size costs no memory here. */
export function fileRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get(FILES, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    await sendDownload(deps, response, await deps.files.download(key, audited(deps, { request, response })));
  });
  router.get(`${FILES}/upload`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    response.json(await deps.files.uploadState(key, queryOf(uploadStateQuery, request)));
  });
  router.delete(`${FILES}/upload`, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    await deps.files.cancelUpload(key, queryOf(uploadStateQuery, request));
    response.status(204).end();
  });
  router.put(FILES, async (request, response) => {
    const key = projectOf(deps, { request, response, need: 'change' });
    const query = queryOf(uploadQuery, request);
    const uploaded = await deps.files.upload(key, query, request);
    const { claims, requestId } = contextOf(response);
    deps.log.info({ audit: 'file-uploaded', user: claims.sub, ...key, size: query.size, requestId }, 'audit');
    response.status(201).json(uploaded);
  });
  return router;
}

function audited(deps: ApiDeps, { request, response }: { request: Request; response: Response }) {
  const query = queryOf(downloadQuery, request);
  const { claims, requestId } = contextOf(response);
  deps.log.info({ audit: 'file-downloaded', user: claims.sub, requestId }, 'audit');
  return query;
}

async function sendDownload(deps: ApiDeps, response: Response, download: Download): Promise<void> {
  const { size, content } = download;
  response.setHeader('Content-Type', size === undefined ? 'application/gzip' : 'application/octet-stream');
  response.setHeader('Cache-Control', 'no-store');
  if (size !== undefined) response.setHeader('Content-Length', String(size));
  try {
    await pipeline(content, response);
  } catch (error) {
    // The head is gone already: a cut connection is how a client learns that the rest did not come.
    download.abort();
    response.destroy();
    deps.log.warn({ err: error }, 'a download was cut off');
  }
}
