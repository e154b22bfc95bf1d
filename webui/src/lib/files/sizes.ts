const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const;

/** "0 bytes", "812 KB", "1.4 GB": powers of ten, as file managers count. */
export function sizeText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  const text = power === 0 || value >= 100 ? String(Math.round(value)) : value.toFixed(1);
  return `${text} ${bytes === 1 ? 'byte' : (UNITS[power] ?? '')}`;
}
