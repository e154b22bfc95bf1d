import { renderedProjectDir, renderedTenantDir } from '@fullstackagent/charts';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { mergePatch } from './deliver/merge-patch.js';
import { createWaker, noWaker, wakeArgo, wakeFlux, type Waker } from './deliver/wake.js';
import type { ProjectKey, RenderedView } from './model/intent.js';
import { kubeConfigSource } from './shared/kube-api.js';

export interface WakeApplierOptions {
  readonly config: Config;
  readonly rendered: RenderedView;
  /** Where appliers read from somewhere else: what is rendered is there only after it was pushed. */
  readonly remote?: { onRenderedThere(listener: (commit: string) => void): () => void } | undefined;
  readonly log: Logger;
}

/** No commit: what was there before the first one that this process saw. */
const NOTHING = '0'.repeat(40);

/** Tells the applier of every commit on `rendered`, where one has to be told. Answers what ends it. */
export function wakeApplier({ config, rendered, remote, log }: WakeApplierOptions): () => Promise<void> {
  const waker = wakerOf(config, log);
  let before = NOTHING;
  let changed: ProjectKey[] = [];
  const tell = (after: string): void => {
    waker.wake({ before, after, paths: changed.flatMap(foldersOf) });
    before = after;
    changed = [];
  };
  const endRendered = rendered.onRendered((keys) => {
    changed.push(...keys);
    if (remote !== undefined) return;
    const after = newest(rendered, keys);
    if (after !== undefined) tell(after);
  });
  const endRemote = remote?.onRenderedThere((commit) => {
    if (changed.length > 0) tell(commit);
  });
  return async () => {
    endRendered();
    endRemote?.();
    await waker.close();
  };
}

/** The local engine sees the ref move. Who is to be woken has to be said by name: guessing would fail once a commit. */
function wakerOf({ cluster, delivery, argocdWebhook, kubeconfig }: Config, log: Logger): Waker {
  const onFailure = (error: unknown): void => {
    log.warn({ err: error }, 'the applier cannot be woken; it finds out at its next round');
  };
  if (cluster === 'engine') return noWaker;
  if (delivery === 'flux') {
    const call = wakeFlux(mergePatch(kubeConfigSource(kubeconfig)), () => new Date());
    return createWaker({ calls: [call], onFailure });
  }
  if (delivery !== 'argocd' || argocdWebhook === undefined) return noWaker;
  const { urls, secret, repository } = argocdWebhook;
  const calls = urls.map((url) => wakeArgo({ url: new URL(url), secret, repository: new URL(repository) }));
  return createWaker({ calls, onFailure });
}

function newest(rendered: RenderedView, keys: readonly ProjectKey[]): string | undefined {
  let found: string | undefined;
  for (const key of keys) {
    const commit = rendered.lastRendered(key)?.commit;
    if (commit !== undefined && (found === undefined || rendered.includes(commit, found))) found = commit;
  }
  return found;
}

/** With the tenant's: a first project comes with its tenant. */
const foldersOf = ({ namespace, name }: ProjectKey): readonly string[] => [
  renderedProjectDir(namespace, name),
  renderedTenantDir(namespace),
];
