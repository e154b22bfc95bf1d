export { openRepository, type RepositoryOptions } from './repository.js';
export { plainProjection } from './plain-projection.js';
export { GitRemote, known, upstreamRef } from './remote.js';
export { RemoteFailure, type RemoteFailureKind } from './remote-failure.js';
