/** Where to go after signing in, when nothing else was asked for. */
export const HOME = '/projects';

const HERE = 'http://portal.invalid';

/** A path of this portal, or {@link HOME}: what came in from outside never leads away from here. */
export function safeNext(next: string | null): string {
  if (next === null || !next.startsWith('/')) return HOME;
  let url: URL;
  try {
    url = new URL(next, HERE);
  } catch {
    return HOME;
  }
  // A browser reads "//host" and "/\host" as another server; so does URL.
  if (url.origin !== HERE || url.pathname.startsWith('//')) return HOME;
  return `${url.pathname}${url.search}${url.hash}`;
}

export const loginPath = (next: string): string =>
  next === HOME || next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`;
