import { list, text, type Json } from '../store/object.js';

export type DatabasePhase =
  'Creating' | 'Running' | 'Updating' | 'Stopping' | 'Stopped' | 'Failed' | 'Deleting';

const COMPONENT_PHASE: Record<DatabasePhase, string> = {
  Creating: 'Creating',
  Running: 'Running',
  Updating: 'Starting',
  Stopping: 'Stopping',
  Stopped: 'Stopped',
  Failed: 'Failed',
  Deleting: 'Deleting',
};

export interface DatabaseState {
  /** `named`: by the manifest. `running`: what every database of this machine is. */
  readonly version: { readonly named: string; readonly running: string };
  readonly phase: DatabasePhase;
  readonly generation: number;
  readonly message: string | undefined;
}

/** KubeBlocks 1.0's status of a Cluster with one component. `upToDate` is left out where it is false, as there. */
export function databaseStatus(before: Json, { phase, generation, message, version }: DatabaseState): Json {
  const settled = phase === 'Running' || phase === 'Stopped';
  return {
    phase,
    observedGeneration: generation,
    components: {
      postgresql: {
        phase: COMPONENT_PHASE[phase],
        observedGeneration: generation,
        ...(settled ? { upToDate: true } : {}),
        ...(message === undefined ? {} : { message: { 'Component/postgresql': message } }),
      },
    },
    ...(message === undefined ? {} : { message }),
    conditions: [
      list(before, 'conditions').find((entry) => text(entry, 'type') === 'ProvisioningStarted') ?? {
        type: 'ProvisioningStarted',
        status: 'True',
        reason: 'PreCheckSucceed',
      },
      versionCondition(version),
    ],
  };
}

/** Not one of KubeBlocks': said where `kubectl describe` shows it. */
function versionCondition({ named, running }: DatabaseState['version']): object {
  const asNamed = named.split('.')[0] === running.split('.')[0];
  return {
    type: 'ServiceVersionRuns',
    status: asNamed ? 'True' : 'False',
    reason: asNamed ? 'AsNamed' : 'OneVersionHere',
    message: asNamed
      ? `PostgreSQL ${running} runs.`
      : `PostgreSQL ${running} runs, as every database of this machine, although the manifest names ${named}.`,
  };
}
