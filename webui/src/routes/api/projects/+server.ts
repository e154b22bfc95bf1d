import { createProject, listProjects } from '$lib/server/api/projects.js';
import { signedIn } from '$lib/server/api/route.js';

export const GET = signedIn(listProjects);
export const POST = signedIn(createProject, 201);
