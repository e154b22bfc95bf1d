import type { ObservedDatabase, ProjectFacts } from '../model/facts.js';
import type { Delivery } from './delivery.js';
import { waitingForManifests } from './sandbox.js';
import { applyFailed, failed, sentence, type Verdict } from './verdict.js';
import { lastWarning, newestNotice, withCause } from './waiting.js';

export function databaseVerdict(facts: ProjectFacts, delivery: Delivery): Verdict {
  if (delivery.stage === 'failed') return applyFailed(delivery.failure);
  const { database } = facts.observed;
  if (facts.desired.state === 'Running') return running(facts, delivery);
  if (facts.desired.state === 'Stopped') {
    if (database === undefined)
      return {
        status: delivery.stage === 'applied' ? 'STOPPED' : 'CREATING',
        waitingFor: waitingForManifests(delivery),
      };
    return atRest(facts, database) ? { status: 'STOPPED' } : stopping(facts, database, 'STOPPING');
  }
  return deleted(facts, delivery);
}

function running(facts: ProjectFacts, delivery: Delivery): Verdict {
  const { database } = facts.observed;
  if (database === undefined || database.deleting)
    return { status: 'CREATING', waitingFor: waitingForManifests(delivery) };
  if (database.intent !== facts.desired.version || !database.generationObserved)
    return { status: whileChanging(database), waitingFor: waitingForManifests(delivery) };
  return databaseProblem(facts, database) ?? progress(facts, database, delivery);
}

function progress(facts: ProjectFacts, database: ObservedDatabase, delivery: Delivery): Verdict {
  if (database.phase !== 'Running') return { status: fromPhase(database), ...startingSince(facts, database) };
  if (!database.upToDate) return { status: 'UPDATING', ...startingSince(facts, database) };
  if (delivery.stage !== 'applied')
    return {
      status: facts.applier?.everApplied === true ? 'UPDATING' : 'STARTING',
      waitingFor: waitingForManifests(delivery),
    };
  return { status: 'RUNNING' };
}

/** An older spec is what the phase speaks of: it says where the database comes from, not where it is going. */
function whileChanging(database: ObservedDatabase): 'CREATING' | 'STARTING' | 'UPDATING' {
  if (database.phase === '') return 'CREATING';
  return ['Creating', 'Stopped', 'Stopping'].includes(database.phase) ? 'STARTING' : 'UPDATING';
}

function fromPhase(database: ObservedDatabase): 'CREATING' | 'STARTING' | 'UPDATING' {
  if (database.phase === '') return 'CREATING';
  return database.phase === 'Updating' && !database.starting ? 'UPDATING' : 'STARTING';
}

function startingSince(
  { observed }: ProjectFacts,
  database: ObservedDatabase,
): Pick<Verdict, 'since' | 'waitingFor'> {
  const since = database.conditionsSince ?? database.changedAt;
  const notice = newestNotice(observed, 'database', undefined);
  // Its pods are not looked at: what was noted before it last moved on is about an earlier start.
  const isNew = since !== undefined && notice?.at !== undefined && notice.at >= since;
  return {
    waitingFor: withCause('the database to accept connections', isNew ? notice.message : database.message),
    ...(database.conditionsSince === undefined ? {} : { since: database.conditionsSince }),
  };
}

function databaseProblem({ observed }: ProjectFacts, database: ObservedDatabase): Verdict | undefined {
  if (database.refused !== undefined)
    return failed(
      'DatabaseFailed',
      `The database cannot be set up: ${sentence(database.refused)} An operator has to correct the platform's database settings.`,
    );
  if (database.phase === 'Failed' || database.phase === 'Abnormal')
    return failed(
      'DatabaseFailed',
      `The database does not run: ${sentence(database.message ?? lastWarning(observed, 'database') ?? `phase ${database.phase}`)} Restart the project; its data is kept.`,
    );
  return undefined;
}

/** Stopped by the latest spec, whatever revision of the document that came from. */
function atRest({ desired }: ProjectFacts, database: ObservedDatabase): boolean {
  return database.phase === 'Stopped' && (database.generationObserved || database.intent !== desired.version);
}

function stopping(
  facts: ProjectFacts,
  database: ObservedDatabase,
  status: 'STOPPING' | 'TERMINATING',
): Verdict {
  return databaseProblem(facts, database) ?? { status, waitingFor: 'the database to shut down' };
}

function deleted(facts: ProjectFacts, delivery: Delivery): Verdict {
  const { database } = facts.observed;
  const settled = delivery.stage === 'applied' && facts.freshness.state !== 'never';
  if (database === undefined)
    return settled
      ? { status: 'TERMINATED' }
      : { status: 'TERMINATING', waitingFor: waitingForManifests(delivery) };
  if (settled && atRest(facts, database)) return { status: 'TERMINATED' };
  return stopping(facts, database, 'TERMINATING');
}
