import {
  agentAction,
  createProjectInput,
  patchProjectInput,
  planInput,
  putEnvironmentInput,
  putWorkspaceInput,
} from '@fullstackagent/controller/contract';
import type { z } from 'zod';
import { logInInput, signUpInput } from '../accounts/credentials.js';
import { purgeInput } from './projects.js';
import { backupOperations } from './backup-operations.js';
import { releaseOperations } from './release-operations.js';
import { remoteOperations } from './remote-operations.js';
import { shareOperations } from './share-operations.js';
import { tokenOperations } from './token-operations.js';

type QueryName =
  | 'namespace'
  | 'before'
  | 'limit'
  | 'purge'
  | 'session'
  | 'filePath'
  | 'upload'
  | 'offset'
  | 'size'
  | 'clash';

export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  readonly summary: string;
  readonly status: 200 | 201 | 202 | 204;
  readonly answer: string;
  readonly input?: z.ZodType;
  readonly inputOptional?: true;
  readonly query?: readonly QueryName[];
  readonly mediaType?: string;
  /** The body is bytes of any number, and no JSON. */
  readonly inputBytes?: true;
  /** Anybody may call it. */
  readonly open?: true;
}

const OPERATIONS = '/api/operations';
const PROJECT = '/api/projects/{id}';
const CHANGE = 'The commit that records the change, and the project.';

const lifecycle = (action: string, summary: string): Operation => ({
  method: 'post',
  path: `${PROJECT}/${action}`,
  summary,
  status: 202,
  answer: CHANGE,
});

const read = (part: string, summary: string, answer: string): Operation => ({
  method: 'get',
  path: `${PROJECT}/${part}`,
  summary,
  status: 200,
  answer,
});

const decision = (path: string, summary: string): Operation => ({
  method: 'post',
  path: `${OPERATIONS}/${path}`,
  summary: `${summary} (operators)`,
  status: 202,
  answer: 'The commit that records the decision.',
});

/** Every address of the public API. A test holds it against the routes that exist. */
export const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/auth/signup',
    summary: 'Make an account and sign in',
    status: 201,
    answer: 'Who is signed in; the session cookie is set.',
    input: signUpInput,
    open: true,
  },
  {
    method: 'post',
    path: '/api/auth/login',
    summary: 'Sign in',
    status: 200,
    answer: 'Who is signed in; the session cookie is set.',
    input: logInInput,
    open: true,
  },
  {
    method: 'post',
    path: '/api/auth/logout',
    summary: 'Sign out',
    status: 204,
    answer: 'Nothing.',
    open: true,
  },
  ...tokenOperations,
  {
    method: 'get',
    path: '/api/projects',
    summary: 'List projects',
    status: 200,
    answer: 'The projects with their status.',
    query: ['namespace'],
  },
  {
    method: 'post',
    path: '/api/projects',
    summary: 'Create a project',
    status: 201,
    answer: 'The id, the status, the commit and the project.',
    input: createProjectInput,
    query: ['namespace'],
  },
  {
    method: 'get',
    path: PROJECT,
    summary: 'Read a project',
    status: 200,
    answer: 'The project with its status, resources, addresses and version.',
  },
  {
    method: 'patch',
    path: PROJECT,
    summary: 'Change a project',
    status: 200,
    answer: CHANGE,
    input: patchProjectInput,
  },
  {
    method: 'delete',
    path: PROJECT,
    summary: 'Delete a project; its data is kept until the retention ends, or goes at once with purge=now',
    status: 202,
    answer: CHANGE,
    input: purgeInput,
    inputOptional: true,
    query: ['purge'],
  },
  lifecycle('start', 'Start a project'),
  lifecycle('stop', 'Stop a project'),
  lifecycle('restart', 'Restart a project'),
  lifecycle('restore', 'Restore a deleted project'),
  read('environment', 'Read the variables', 'The variables; secrets without their value.'),
  {
    method: 'put',
    path: `${PROJECT}/environment`,
    summary: 'Replace the variables',
    status: 200,
    answer: CHANGE,
    input: putEnvironmentInput,
  },
  read('workspace', 'Read what the workspace begins with', 'Repository, system prompt and git identity.'),
  {
    method: 'put',
    path: `${PROJECT}/workspace`,
    summary: 'Change what the workspace begins with; files that are there stay as they are',
    status: 200,
    answer: CHANGE,
    input: putWorkspaceInput,
  },
  read(
    'workspace/clone',
    'Read what became of the repository that the workspace begins with',
    'That it is on its way, that it could not be cloned (and why, for those who may change the project), or that nothing is left to be done.',
  ),
  { ...read('history', 'Read the commits', 'The commits, newest first.'), query: ['before', 'limit'] },
  read('disk', 'Read what the project takes on the disk', 'Bytes of workspace and database, where known.'),
  read(
    'drift',
    'Compare the manifests with the cluster',
    'What is not on the cluster as it is on branch rendered, and who changed it where the cluster tells.',
  ),
  read('manifests', 'Read the rendered manifests', 'The files of the project on branch rendered.'),
  read(
    'database',
    'Read how the database is reached',
    'Host, port, user and database, without the password.',
  ),
  {
    method: 'post',
    path: `${PROJECT}/database/reveal`,
    summary: "Read the database's password; who asked is written down",
    status: 200,
    answer: 'How the database is reached, with the password.',
  },
  {
    ...read('files', 'Download a file, or a folder as a gzipped tar', 'The bytes.'),
    query: ['session', 'filePath'],
    mediaType: 'application/octet-stream',
  },
  {
    method: 'put',
    path: `${PROJECT}/files`,
    summary: 'Upload a file, or the rest of one; it is there once it is whole',
    status: 201,
    answer: 'Where the file is, as the sandbox sees it.',
    inputBytes: true,
    query: ['session', 'filePath', 'upload', 'offset', 'size', 'clash'],
  },
  {
    ...read(
      'files/upload',
      'Ask how far an upload has come',
      'How many bytes the sandbox has, and whether the name is taken.',
    ),
    query: ['session', 'filePath', 'upload'],
  },
  {
    method: 'delete',
    path: `${PROJECT}/files/upload`,
    summary: 'Give an upload up; what came of it is removed, and no more of it is taken',
    status: 204,
    answer: 'Nothing.',
    query: ['session', 'filePath', 'upload'],
  },
  {
    method: 'post',
    path: `${PROJECT}/plan`,
    summary: 'Read what a change would do; nothing is written',
    status: 200,
    answer: 'The files it would change on both branches, and whether the sandbox restarts.',
    input: planInput,
  },
  read(
    'ssh',
    'Read how the sandbox is reached by SSH; the connection is a WebSocket at the same address',
    'Whom to sign in as, and the folder a session begins in.',
  ),
  ...backupOperations,
  ...releaseOperations,
  ...shareOperations,
  {
    method: 'get',
    path: OPERATIONS,
    summary: 'List what waits for an operator: removals that are held back, and a roll-out of platform.yaml',
    status: 200,
    answer: 'The removals and the roll-out.',
  },
  decision('removals/{commit}/approve', 'Let a commit take away the projects it removes'),
  decision('removals/{commit}/put-back', 'Put the documents back that a commit removed'),
  {
    method: 'get',
    path: `${OPERATIONS}/rollout/plan`,
    summary: 'Read what the roll-out would change, by a sample of the projects',
    status: 200,
    answer: 'How many of the sampled projects would change, and the files of one.',
  },
  {
    method: 'get',
    path: '/api/agent',
    summary: 'Whether sandboxes have Claude Code, and whether it may start by itself',
    status: 200,
    answer: 'What is installed or being installed, and whether an agent without isolation is allowed.',
  },
  {
    method: 'post',
    path: `${OPERATIONS}/agent`,
    summary: 'Install or remove Claude Code on this machine, or allow it without isolation (operators)',
    status: 200,
    answer: 'How it stands after it. An installation goes on: ask again.',
    input: agentAction,
  },
  decision('rollout/approve', 'Begin a roll-out that waits, or go on with one that stopped'),
  decision('rollout/put-back', 'Put the platform.yaml back that was there before the roll-out'),
  ...remoteOperations,
  {
    method: 'get',
    path: '/api/platform',
    summary: 'Read what the installation offers',
    status: 200,
    answer: 'The domain, the size presets, the database versions and how sandboxes are kept apart.',
  },
  {
    method: 'get',
    path: '/api/events',
    summary: 'Follow the status of your projects',
    status: 200,
    answer: 'Server-sent events: a snapshot first, then what changes.',
    query: ['namespace'],
    mediaType: 'text/event-stream',
  },
  {
    method: 'get',
    path: '/api/openapi.json',
    summary: 'Read this description',
    status: 200,
    answer: 'The OpenAPI document.',
    open: true,
  },
];
