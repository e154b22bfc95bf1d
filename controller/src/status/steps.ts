import type { ResourceKind, StatusStep } from '../contract/status.js';
import type { ProjectFacts } from '../model/facts.js';
import type { Delivery } from './delivery.js';

/**
 * The way from the commit to the running process, for the progress list of a start. The first that is not done is
 * the active one; steps are listed only where a project is meant to run.
 */
export function stepsOf(
  facts: ProjectFacts,
  delivery: Delivery,
  resource: { kind: ResourceKind; running: boolean },
): StatusStep[] {
  if (facts.desired.state !== 'Running') return [];
  const rendered = delivery.stage !== 'accepted';
  const landed = delivery.stage === 'applied' || objectLanded(facts, resource.kind);
  const steps: [string, boolean][] = [
    ['Recorded in git', true],
    ['Rendered', rendered],
    ['Applied', rendered && landed],
    ...(resource.kind === 'sandbox'
      ? ([
          ['Volume ready', rendered && landed && facts.observed.volume?.phase === 'Bound'],
          ['Sandbox starting', resource.running],
        ] as [string, boolean][])
      : ([[RUNNING[resource.kind], resource.running]] as [string, boolean][])),
  ];
  const active = steps.findIndex(([, done]) => !done);
  return steps.map(([label], index) => ({ label, state: stateAt(index, active) }));
}

const RUNNING = { database: 'Database running', release: 'Release answering' } as const;

function stateAt(index: number, active: number): StatusStep['state'] {
  if (active === -1 || index < active) return 'done';
  return index === active ? 'active' : 'waiting';
}

/** With an applier that waits for health the object is there, of this revision, before the revision counts as applied. */
function objectLanded({ observed, desired }: ProjectFacts, kind: ResourceKind): boolean {
  const { statefulSet, database, deployment } = observed;
  const object = { sandbox: statefulSet, database, release: deployment }[kind];
  return object?.intent === desired.version;
}
