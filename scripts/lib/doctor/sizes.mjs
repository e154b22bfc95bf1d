const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export const gibibytes = (bytes) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

/** With the unit that fits. */
export function readable(bytes) {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}
