import { simpleGit, type SimpleGit } from 'simple-git';
import type { PushResult, Remote, RemoteAddress, RemoteBranch } from '../model/remote.js';
import { gitEnvironment, type GitLocation } from './git-process.js';
import { remoteFailure } from './remote-failure.js';
import { credentialSettings, secretsOf, sshCommand } from './remote-credentials.js';

const BRANCHES: readonly RemoteBranch[] = ['main', 'rendered'];
/** A git that says nothing for so long hangs; `--progress` makes one that works say something. */
const SILENCE_LIMIT_MS = 60_000;
/** One line of `git push --porcelain`: flag, `from:to`, summary. */
const PUSHED = /^([ +\-*!=])\t[^\t:]*:refs\/heads\/([^\t]+)\t(.*)$/;

/** Bytes for a second, for so many seconds: a connection that is slower is as good as none. */
const SLOW = [
  ['http.lowSpeedLimit', '1000'],
  ['http.lowSpeedTime', '30'],
] as const;

/**
 * A git repository somewhere else, by stock git. What git reads of credentials it reads from their file, at the moment it
 * needs them: they are in no argument, no environment, no configuration and no message.
 */
export class GitRemote implements Remote {
  constructor(
    private readonly location: GitLocation,
    readonly address: RemoteAddress,
  ) {}

  async tips(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const refs = await this.#run(signal, ['ls-remote', '--refs', '--', this.address.url, 'refs/heads/*']);
    const lines = refs.split('\n').filter(Boolean);
    return new Map(
      lines.map((line) => {
        const [commit = '', ref = ''] = line.split('\t');
        return [ref.slice('refs/heads/'.length), commit];
      }),
    );
  }

  async fetch(branches: readonly RemoteBranch[], signal: AbortSignal): Promise<void> {
    const refspecs = branches.map((branch) => `+refs/heads/${branch}:refs/upstream/${branch}`);
    const quietly = [
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-recurse-submodules',
    ];
    await this.#run(signal, ['fetch', '--progress', ...quietly, '--', this.address.url, ...refspecs]);
  }

  async push(
    commits: Readonly<Partial<Record<string, string>>>,
    signal: AbortSignal,
  ): Promise<readonly PushResult[]> {
    const refspecs = Object.entries(commits).map(([branch, commit]) => `${commit}:refs/heads/${branch}`);
    const output = await this.#run(signal, [
      'push',
      '--porcelain',
      '--progress',
      '--',
      this.address.url,
      ...refspecs,
    ]);
    return output.split('\n').flatMap((line) => {
      const [, flag, branch = '', summary = ''] = PUSHED.exec(line) ?? [];
      if (flag === undefined) return [];
      return [flag === '!' ? refused(branch, summary) : { branch, outcome: 'pushed' as const }];
    });
  }

  async #run(signal: AbortSignal, args: readonly string[]): Promise<string> {
    const secrets = secretsOf(this.address);
    try {
      return await this.#git(signal).raw([...args]);
    } catch (error) {
      throw remoteFailure(error, secrets);
    }
  }

  #git(signal: AbortSignal): SimpleGit {
    const environment = this.#environment();
    return simpleGit({
      baseDir: this.location.gitDir,
      abort: signal,
      timeout: { block: SILENCE_LIMIT_MS },
      unsafe: {
        allowUnsafeConfigPaths: true,
        allowUnsafeConfigEnvCount: true,
        allowUnsafeCredentialHelper: true,
        allowUnsafeHooksPath: true,
        allowUnsafeSshCommand: true,
        allowUnsafeProtocolOverride: true,
      },
      allowEnvironment: Object.keys(environment),
      // Of a push some branches may be refused: what became of each is in what git printed.
      errors: (error, { exitCode, stdOut }) =>
        exitCode === 1 && /^To /m.test(Buffer.concat(stdOut).toString('utf8')) ? undefined : error,
    }).env(environment);
  }

  #environment(): Record<string, string> {
    const { address, location } = this;
    const settings = [
      ...credentialSettings(address),
      ...SLOW,
      // A server that sends elsewhere would be sent the credentials there.
      ['http.followRedirects', 'false'],
      ['core.hooksPath', '/dev/null'],
      ['fetch.fsckObjects', 'true'],
      ...(address.caFile === undefined ? [] : [['http.sslCAInfo', address.caFile]]),
    ];
    return {
      ...gitEnvironment(location.searchPath),
      GIT_DIR: location.gitDir,
      GIT_ALLOW_PROTOCOL: 'https:http:ssh:file',
      ...(address.ssh === undefined ? {} : { GIT_SSH_COMMAND: sshCommand(address.ssh) }),
      GIT_CONFIG_COUNT: `${settings.length}`,
      ...Object.fromEntries(
        settings.flatMap(([key = '', value = ''], index) => [
          [`GIT_CONFIG_KEY_${index}`, key],
          [`GIT_CONFIG_VALUE_${index}`, value],
        ]),
      ),
    };
  }
}

export const upstreamRef = (branch: RemoteBranch): string => `refs/upstream/${branch}`;

/** Only what the platform knows; a server has other branches too. */
export const known = (tips: ReadonlyMap<string, string>): readonly RemoteBranch[] =>
  BRANCHES.filter((branch) => tips.has(branch));

/** By git's own words for it, and what follows in brackets is the server's. */
function refused(branch: string, summary: string): PushResult {
  const reason = /\((.*)\)\s*$/.exec(summary)?.[1] ?? summary;
  const outcome = summary.startsWith('[remote rejected]') ? 'protected' : 'behind';
  return { branch, outcome, reason };
}
