import { number, record, refOf, type KubeObject } from '../store/object.js';
import type { Store } from '../store/store.js';
import { json, jsonBody, wholeNumber, type Exchange } from './replies.js';

const DEFAULT_GRACE_SECONDS = 30;

/** Ends a pod; its StatefulSet makes another. With `dryRun` nothing happens but the answer. */
export async function deletePod(store: Store, pod: KubeObject, exchange: Exchange): Promise<void> {
  const { request, response, query } = exchange;
  const options = record({ body: await jsonBody(request) }, 'body');
  if (query.get('dryRun') === 'All' || options['dryRun'] !== undefined) {
    json(response, pod);
    return;
  }
  const grace =
    wholeNumber(query, 'gracePeriodSeconds') ??
    number(options, 'gracePeriodSeconds') ??
    number(pod, 'spec', 'terminationGracePeriodSeconds') ??
    DEFAULT_GRACE_SECONDS;
  json(response, store.markDeleted(refOf(pod), grace) ?? pod);
}
