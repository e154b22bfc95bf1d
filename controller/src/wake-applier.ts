import type { Logger } from 'pino';
import type { Config } from './config.js';
import { mergePatch } from './deliver/merge-patch.js';
import { createWaker, noWaker, wakeArgo, wakeFlux, type Waker } from './deliver/wake.js';
import type { RenderedView } from './model/intent.js';
import { kubeConfigSource } from './shared/kube-api.js';

export interface WakeApplierOptions {
  readonly config: Pick<Config, 'argocdWebhook' | 'cluster' | 'delivery' | 'kubeconfig'>;
  readonly rendered: Pick<RenderedView, 'onWritten'>;
  /** Where appliers read from somewhere else: what is rendered is there only after it was pushed. */
  readonly remote?: { onRenderedThere(listener: (commit: string) => void): () => void } | undefined;
  readonly log: Pick<Logger, 'warn'>;
}

/** No commit: what was there before the first one that this process saw. */
const NOTHING = '0'.repeat(40);

/** Tells the applier of every commit on `rendered` that changes a file, where one has to be told. Answers what ends it. */
export function wakeApplier({ config, rendered, remote, log }: WakeApplierOptions): () => Promise<void> {
  const waker = wakerOf(config, log);
  let before = NOTHING;
  /** Written and not told yet. */
  let folders: readonly string[] | undefined;
  const tell = (after: string): void => {
    waker.wake({ before, after, paths: folders ?? [] });
    before = after;
    folders = undefined;
  };
  const endRendered = rendered.onWritten((written) => {
    folders = folders === undefined ? written.folders : together(folders, written.folders);
    if (remote === undefined) tell(written.commit);
  });
  const endRemote = remote?.onRenderedThere((commit) => {
    if (folders !== undefined) tell(commit);
  });
  return async () => {
    endRendered();
    endRemote?.();
    await waker.close();
  };
}

/** The local engine sees the ref move. Who is to be woken has to be said by name: guessing would fail once a commit. */
function wakerOf(
  { cluster, delivery, argocdWebhook, kubeconfig }: WakeApplierOptions['config'],
  log: WakeApplierOptions['log'],
): Waker {
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

/** Not knowing the folders of one of the two is not knowing them. */
const together = (first: readonly string[], second: readonly string[]): readonly string[] =>
  first.length > 0 && second.length > 0 ? [...new Set([...first, ...second])] : [];
