import { Api, type Credentials } from './api.js';

export const OWNER: Credentials = { username: 'ada', password: 'correct horse battery staple' };

/** The first account of an installation. On a machine without isolation it is the only one: sign-up closes after it. */
export async function owner(base: string): Promise<Api> {
  const api = new Api(base);
  await api.signUp(OWNER);
  return api;
}

/** As {@link owner}, after the platform was started again. */
export async function ownerAgain(base: string): Promise<Api> {
  const api = new Api(base);
  await api.signIn(OWNER);
  return api;
}
