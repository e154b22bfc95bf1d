import { createHash, randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { z } from 'zod';
import { ByteReader } from './byte-reader.js';
import { FLUSH, packet, readPackets } from './pkt-line.js';
import { PushRefused, shownLines } from './refusal.js';

/** One line of what a push asks for. */
export interface RefCommand {
  readonly from: string;
  readonly to: string;
  readonly ref: string;
}

/** What decides about one push. Both throw {@link PushRefused}; what they return is shown to the pusher. */
export interface PushHandler {
  /** Before anything of the push is in the repository: its objects lie in `quarantine`. */
  check(commands: readonly RefCommand[], quarantine: string): Promise<readonly string[]>;
  /** After it: the objects are in the repository, and no branch knows them. */
  merge(): Promise<readonly string[]>;
}

interface Session {
  readonly handler: PushHandler;
  /** Each hook runs once, in this order, and what comes out of order is refused. */
  stage: 'new' | 'checking' | 'checked' | 'merging';
}

const HOST = '127.0.0.1';
const INPUT_MAX_BYTES = 1024 * 1024;
const HELLO_LIMIT_MS = 10_000;
const COMMAND = /^([0-9a-f]{40}) ([0-9a-f]{40}) (\S+)$/;

const hello = z.object({
  secret: z.string(),
  hook: z.enum(['pre-receive', 'proc-receive']),
  quarantine: z.string(),
});

/** Where the hooks of pushes under way ask. Who has the secret of a push speaks for it, and for no other. */
export class HookServer {
  readonly #sessions = new Map<string, Session>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(private readonly log: Logger) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket));
  }

  static async start(log: Logger): Promise<HookServer> {
    const server = new HookServer(log);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(0, HOST, resolve);
    });
    return server;
  }

  /** What the hooks of one push need to know. `close` has to be called when the push is over. */
  open(handler: PushHandler): { readonly environment: Record<string, string>; readonly close: () => void } {
    const secret = randomBytes(32).toString('hex');
    this.#sessions.set(hashOf(secret), { handler, stage: 'new' });
    return {
      environment: {
        GITOPS_HOOK_NODE: process.execPath,
        GITOPS_HOOK_PORT: `${(this.#server.address() as AddressInfo).port}`,
        GITOPS_HOOK_SECRET: secret,
      },
      close: () => this.#sessions.delete(hashOf(secret)),
    };
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    const impatience = setTimeout(() => socket.destroy(), HELLO_LIMIT_MS);
    const input = new ByteReader(socket, INPUT_MAX_BYTES);
    const say = (line: string): void => void tell(socket, { say: line });
    try {
      const { secret, hook, quarantine } = hello.parse(JSON.parse(await input.line()));
      clearTimeout(impatience);
      const session = this.#sessions.get(hashOf(secret));
      if (session === undefined) throw new Error('A hook came without the secret of a push.');
      const call = { session, input, socket, say };
      tell(socket, {
        exit: await (hook === 'pre-receive' ? beforeReceiving(call, quarantine) : receive(call)),
      });
    } catch (error) {
      this.log.warn({ err: error }, 'a hook of a push cannot be answered');
      tell(socket, { say: 'The platform cannot take pushes right now. Try again in a moment.', exit: 1 });
    } finally {
      clearTimeout(impatience);
      socket.end();
    }
  }
}

interface HookCall {
  readonly session: Session;
  readonly input: ByteReader;
  readonly socket: Socket;
  readonly say: (line: string) => void;
}

async function beforeReceiving({ session, input, say }: HookCall, quarantine: string): Promise<number> {
  if (session.stage !== 'new') throw new Error('A push was checked twice.');
  session.stage = 'checking';
  const commands = commandsIn((await input.rest()).toString('utf8').split('\n').filter(Boolean));
  const { lines, refused } = await answerOf(() => session.handler.check(commands, quarantine));
  lines.forEach(say);
  if (!refused) session.stage = 'checked';
  return refused ? 1 : 0;
}

/** git's side of this is in githooks(5), proc-receive. */
async function receive({ session, input, socket, say }: HookCall): Promise<number> {
  if (session.stage !== 'checked') throw new Error('A push was not checked before it was to be merged.');
  session.stage = 'merging';
  const write = (...lines: Buffer[]): void =>
    void tell(socket, { out: Buffer.concat(lines).toString('base64') });
  const take = (bytes: number): Promise<Buffer> => input.take(bytes);
  const [version = ''] = await readPackets(take);
  if (!/^version=1(?:\0|$)/.test(version)) throw new Error('git speaks another version of proc-receive.');
  write(packet('version=1\0'), FLUSH);
  const [{ ref } = { ref: '' }] = commandsIn(await readPackets(take));
  const { lines, refused } = await answerOf(() => session.handler.merge());
  lines.forEach(say);
  write(packet(refused ? `ng ${ref} not merged` : `ok ${ref}`), FLUSH);
  return 0;
}

const commandsIn = (lines: readonly string[]): readonly RefCommand[] =>
  lines.map((line) => {
    const [, from = '', to = '', ref = ''] = COMMAND.exec(line) ?? [];
    return { from, to, ref };
  });

async function answerOf(
  work: () => Promise<readonly string[]>,
): Promise<{ readonly lines: readonly string[]; readonly refused: boolean }> {
  try {
    return { lines: shownLines(await work()), refused: false };
  } catch (error) {
    if (error instanceof PushRefused) return { lines: shownLines(error.lines), refused: true };
    throw error;
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

const tell = (socket: Socket, message: object): boolean => socket.write(`${JSON.stringify(message)}\n`);
