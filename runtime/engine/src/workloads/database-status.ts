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
  readonly phase: DatabasePhase;
  readonly generation: number;
  readonly message: string | undefined;
}

/** KubeBlocks 1.0's status of a Cluster with one component. `upToDate` is left out where it is false, as there. */
export function databaseStatus(before: Json, { phase, generation, message }: DatabaseState): Json {
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
    conditions: list(before, 'conditions').some((entry) => text(entry, 'type') === 'ProvisioningStarted')
      ? list(before, 'conditions')
      : [{ type: 'ProvisioningStarted', status: 'True', reason: 'PreCheckSucceed' }],
  };
}
