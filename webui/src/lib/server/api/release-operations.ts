import { buildInput, releaseInput, rollBackInput, snapshotInput } from '@fullstackagent/controller/contract';
import type { Operation } from './operations.js';

const RELEASE = '/api/projects/{id}/release';
const CHANGE = 'The commit that records the change, and the project.';

/** What the public API offers about the release of a project. */
export const releaseOperations: readonly Operation[] = [
  {
    method: 'get',
    path: RELEASE,
    summary: 'Read the release, what could be released here, and what was',
    status: 200,
    answer: 'The release, the offer and the commits that changed it.',
  },
  {
    method: 'post',
    path: RELEASE,
    summary: 'Release the app: an image by its digest, or a snapshot of the workspace',
    status: 202,
    answer: CHANGE,
    input: releaseInput,
  },
  {
    method: 'delete',
    path: RELEASE,
    summary: 'Take the release down; its history stays',
    status: 202,
    answer: CHANGE,
  },
  {
    method: 'post',
    path: `${RELEASE}/rollback`,
    summary: 'Record an earlier release again',
    status: 202,
    answer: CHANGE,
    input: rollBackInput,
  },
  {
    method: 'post',
    path: `${RELEASE}/snapshot`,
    summary: 'Keep the workspace as it is, to release it; nothing runs because of it',
    status: 201,
    answer: 'The image that a release of it names.',
    input: snapshotInput,
  },
  {
    method: 'post',
    path: `${RELEASE}/build`,
    summary: 'Build an image of the workspace in its sandbox, and push it; nothing runs because of it',
    status: 202,
    answer: 'The build, which has begun.',
    input: buildInput,
  },
  {
    method: 'get',
    path: `${RELEASE}/build`,
    summary: 'Read how the last build goes, or went, and the end of its log',
    status: 200,
    answer: 'The build, with the image that a release of it names, and the log.',
  },
  {
    method: 'delete',
    path: `${RELEASE}/build`,
    summary: 'Cancel the build that is under way',
    status: 200,
    answer: 'The build, which has ended.',
  },
  {
    method: 'get',
    path: `${RELEASE}/build/events`,
    summary: 'Follow a build and its log (server-sent events: snapshot, log, build)',
    status: 200,
    answer: 'Server-sent events: a snapshot first, then what changes.',
    mediaType: 'text/event-stream',
  },
  {
    method: 'get',
    path: `${RELEASE}/start-command`,
    summary: 'Read how the workspace says that its app is started',
    status: 200,
    answer: 'The command, and the file that says so.',
  },
];
