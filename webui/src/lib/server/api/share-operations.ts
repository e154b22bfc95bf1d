import { createShareInput, joinShareInput, previewShareInput } from '../terminal/share-input.js';
import type { Operation } from './operations.js';

const PROJECT = '/api/projects/{id}';
const SHARE = '/api/shares/{share}';
const OFFER = 'Who shared which terminal, what a guest may do there, and until when.';

/** The part of the public API that is about terminals. Their WebSockets are no part of it. */
export const shareOperations: readonly Operation[] = [
  {
    method: 'get',
    path: `${PROJECT}/terminal`,
    summary: 'Ask whether you may use the terminals',
    status: 204,
    answer: 'Nothing: you may.',
  },
  {
    method: 'get',
    path: `${PROJECT}/shells`,
    summary: 'List the shells that run',
    status: 200,
    answer: 'Each with the program in front, oldest first. They run on when nobody looks.',
  },
  {
    method: 'delete',
    path: `${PROJECT}/shells/{shell}`,
    summary: 'End a shell, and what runs in it',
    status: 204,
    answer: 'Nothing.',
  },
  {
    method: 'get',
    path: `${PROJECT}/shares`,
    summary: 'List the links to terminals, and who used them',
    status: 200,
    answer: 'The links without their secret, newest first, and what this installation allows.',
  },
  {
    method: 'post',
    path: `${PROJECT}/shares`,
    summary: 'Share a terminal by a link',
    status: 201,
    answer: 'The link: /share/<id>#<secret> on the portal. The secret is shown this once.',
    input: createShareInput,
  },
  {
    method: 'delete',
    path: `${PROJECT}/shares/{share}`,
    summary: 'End a link, and what is open with it',
    status: 204,
    answer: 'Nothing.',
  },
  {
    method: 'delete',
    path: `${PROJECT}/shares/{share}/guests/{guest}`,
    summary: 'Remove somebody from a shared terminal',
    status: 204,
    answer: 'Nothing. Their visit is over; the link and everybody else stay.',
  },
  {
    method: 'post',
    path: `${SHARE}/preview`,
    summary: 'Read what a link offers',
    status: 200,
    answer: OFFER,
    input: previewShareInput,
    open: true,
  },
  {
    method: 'post',
    path: `${SHARE}/join`,
    summary: 'Join with a link',
    status: 200,
    answer: `${OFFER} A cookie for this share is set.`,
    input: joinShareInput,
    open: true,
  },
  {
    method: 'get',
    path: SHARE,
    summary: 'Read what you joined',
    status: 200,
    answer: OFFER,
    open: true,
  },
];
