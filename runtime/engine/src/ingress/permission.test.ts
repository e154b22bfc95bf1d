import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../testing/free-port.js';
import { HOST, TestIngress } from '../testing/ingress-harness.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await TestIngress.start();
});
afterEach(() => ingress.close());

describe('an app that is for members', () => {
  const SIGN_IN = 'http://localhost:3000/sign-in';
  let asked: IncomingMessage[];
  let answer: { status: number; headers?: Record<string, string> };

  beforeEach(async () => {
    asked = [];
    answer = { status: 204 };
    await ingress.app((request, response) => {
      response.setHeader('set-cookie', 'theme=dark');
      request.pipe(response);
    });
    const port = (ingress.targets.get(HOST) as { port: number }).port;
    const members = await ingress.serve((request, response) => {
      asked.push(request);
      const known = request.headers.cookie?.includes('member=ada') === true;
      response.writeHead(known ? 200 : answer.status, answer.headers).end();
    });
    const url = `http://127.0.0.1:${members}/may`;
    ingress.targets.set(HOST, { state: 'ready', port, auth: { url, signIn: SIGN_IN } });
  });

  const askedFor = (): unknown => asked.at(-1)?.headers['x-original-url'];

  it('sends who is not signed in to sign in, and says where to come back to', async () => {
    answer = { status: 401 };
    const refused = await ingress.ask({ path: '/a?b=%2F&c=d' });
    refused.resume();
    const here = `http://${HOST}:${ingress.port}/a?b=%2F&c=d`;
    expect(refused.statusCode).toBe(302);
    expect(refused.headers.location).toBe(`${SIGN_IN}?rd=${encodeURIComponent(here)}`);
    expect(askedFor()).toBe(here);
  });

  it('lets a member pass, with the body, and asks without it', async () => {
    const body = Readable.from([Buffer.alloc(300_000, 'x')]);
    const passed = await ingress.ask({ method: 'POST', headers: { cookie: 'member=ada' }, body });
    expect(await text(passed)).toHaveLength(300_000);
    expect(asked[0]).toMatchObject({ method: 'GET', headers: { 'x-original-method': 'POST' } });
    expect(asked[0]?.headers['transfer-encoding']).toBeUndefined();
  });

  it('passes on the cookie that whoever was asked sets, beside those of the app', async () => {
    answer = { status: 200, headers: { 'set-cookie': 'member=ada; HttpOnly' } };
    expect(await ingress.header('set-cookie')).toEqual(['member=ada; HttpOnly', 'theme=dark']);
  });

  it('is closed to who is no member, and where nobody answers or the answer is none', async () => {
    const statusFor = async (status: number, location?: string): Promise<number | undefined> => {
      answer = { status, headers: location === undefined ? {} : { location } };
      const refused = await ingress.ask();
      refused.resume();
      return refused.statusCode;
    };
    expect(await statusFor(403)).toBe(403);
    expect(await statusFor(500)).toBe(503);
    // A redirect is what a proxy in between would answer, and no permission.
    expect(await statusFor(302, 'http://elsewhere')).toBe(503);
    const { port } = ingress.targets.get(HOST) as { port: number };
    const url = `http://127.0.0.1:${await freePort()}/`;
    ingress.targets.set(HOST, { state: 'ready', port, auth: { url, signIn: undefined } });
    expect(await statusFor(200)).toBe(503);
  });

  it('asks for WebSockets too', async () => {
    answer = { status: 401 };
    const upgrade = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    expect(await ingress.raw(upgrade)).toMatch(/^HTTP\/1\.1 401 /);
    expect(asked).toHaveLength(1);
  });
});
