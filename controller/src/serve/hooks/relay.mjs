// git runs this as a hook of one push. All it does is pass on what git says to the controller, which decides, and what
// the controller answers to git. It runs for as long as the push, and knows nothing but the secret of that push.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const { GITOPS_HOOK_PORT, GITOPS_HOOK_SECRET, GIT_QUARANTINE_PATH } = process.env;

const socket = connect({ host: '127.0.0.1', port: Number(GITOPS_HOOK_PORT) });
const hello = { secret: GITOPS_HOOK_SECRET, hook: process.argv[2], quarantine: GIT_QUARANTINE_PATH ?? '' };
socket.write(`${JSON.stringify(hello)}\n`);
process.stdin.on('error', () => undefined).pipe(socket);

const answers = createInterface({ input: socket });
answers.on('line', (line) => {
  const { say, out, exit } = JSON.parse(line);
  if (say !== undefined) process.stderr.write(`${say}\n`);
  if (out !== undefined) process.stdout.write(Buffer.from(out, 'base64'));
  if (exit !== undefined) process.exit(exit);
});
for (const end of [socket, answers]) end.on('error', () => undefined);
// Without an answer nothing was decided, and what was not decided is refused.
socket.on('close', () => {
  process.stderr.write(
    'The platform did not answer. Look whether the change was made before you push again.\n',
  );
  process.exit(1);
});
