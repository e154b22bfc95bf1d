/** The process answers. Nothing more: a database or a controller that is away is not mended by restarting this. */
export const GET = (): Response =>
  new Response('ok\n', {
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  });
