/**
 * How a typed name becomes a DNS label. A file of its own without imports, so that the portal can show the label while
 * a person types without carrying the schemas to the browser.
 */

/** 26 characters: `<project>--db` is a KubeBlocks cluster name, and those stay readable in pod host names up to 30. */
export const PROJECT_NAME_MAX = 26;

/** Names that would collide with a page of the portal or with an object that Kubernetes or the tenant chart creates. */
export const RESERVED_PROJECT_NAMES: readonly string[] = [
  'default',
  'kubernetes',
  'new',
  'sandbox',
  'settings',
  'tenant',
];

/**
 * The DNS label made from what a person typed: "My Blog" -> "my-blog", "Café №1" -> "cafe-no1".
 * Returns `''` where nothing usable is left (the caller says so beside the field); never longer than
 * {@link PROJECT_NAME_MAX}. The result may still be reserved or taken.
 */
export function slugOf(typed: string): string {
  const words = typed
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{Diacritic}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+/, '');
  return words.slice(0, PROJECT_NAME_MAX).replace(/-+$/, '');
}
