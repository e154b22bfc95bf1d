/** The start of a digest, which is what people compare. */
export const shortImage = (image: string): string => image.replace(/@sha256:([0-9a-f]{12})[0-9a-f]*$/, '@$1');

export const isSnapshot = (image: string): boolean => image.startsWith('snapshot.local/');

/** What is released, in few words. */
export const imageWords = (image: string): string =>
  isSnapshot(image) ? `Snapshot ${image.split('@sha256:')[1]?.slice(0, 12) ?? ''}` : shortImage(image);

export const fileWords = (files: number): string =>
  files === 1 ? '1 file' : `${files.toLocaleString('en')} files`;

export function sizeWords(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? 'B'}`;
}
