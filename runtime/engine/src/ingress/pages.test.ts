import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { freePort } from '../testing/free-port.js';
import { HOST, TestIngress } from '../testing/ingress-harness.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await TestIngress.start();
});
afterEach(() => ingress.close());

describe('the ingress itself answers', () => {
  const html = { accept: 'text/html,application/xhtml+xml' };

  it('404 for a host nobody has, without letting its name become markup', async () => {
    const answer = await ingress.ask({ headers: { host: 'nobody.localhost', ...html } });
    expect(answer.statusCode).toBe(404);
    expect(await text(answer)).toContain('nobody.localhost');
  });

  it('503 with the reason while a sandbox starts, and looks again', async () => {
    ingress.targets.set(HOST, {
      state: 'waiting',
      message: '<img src=x onerror=alert(1)> & "co" is starting.',
    });
    const answer = await ingress.ask({ headers: html });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    const body = await text(answer);
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;co&quot; is starting.');
    expect(body).toContain('<meta http-equiv="refresh" content="2">');
  });

  it('502 that says what to start while nothing listens', async () => {
    ingress.targets.set(HOST, { state: 'ready', port: await freePort() });
    const answer = await ingress.ask({ headers: html });
    expect(answer.statusCode).toBe(502);
    const body = await text(answer);
    expect(body).toContain('Nothing is listening on $PORT yet');
    expect(body).toContain('npx serve -l $PORT');
  });

  it('with the one style its policy allows, and nothing else that is active', async () => {
    const answer = await ingress.ask({ headers: { host: 'nobody.localhost', ...html } });
    const policy = String(answer.headers['content-security-policy']);
    const style = /<style>([^]*)<\/style>/.exec(await text(answer))?.[1] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(policy).not.toContain('unsafe');
  });

  it.each([
    ['application/json', 'application/problem+json'],
    ['application/problem+json', 'application/problem+json'],
    ['*/*', 'text/plain; charset=utf-8'],
    ['text/html', 'text/html; charset=utf-8'],
  ])('to %s with %s', async (accept, type) => {
    expect(await ingress.header('content-type', { headers: { host: 'nobody.localhost', accept } })).toBe(
      type,
    );
  });

  it('a WebSocket to nowhere with a status', async () => {
    ingress.targets.set(HOST, { state: 'ready', port: await freePort() });
    const client = new WebSocket(`ws://127.0.0.1:${ingress.port}/`, { headers: { host: HOST } });
    const status = new Promise((resolve) => {
      client.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    });
    expect(await status).toBe(502);
  });

  it('again as the app as soon as it is there', async () => {
    const port = await freePort();
    ingress.targets.set(HOST, { state: 'ready', port });
    expect((await ingress.ask()).statusCode).toBe(502);
    const server = createServer((_request, response) => response.end('up'));
    ingress.servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await text(await ingress.ask())).toBe('up');
  });
});
