import type {
  EnvironmentDto,
  EnvironmentVariableDto,
  PutEnvironmentInput,
} from '@fullstackagent/controller/contract';

/** One line of the editor. `stored` is how the variable stood when the form was filled; absent for a new line. */
export interface VariableRow {
  readonly key: number;
  name: string;
  value: string;
  secret: boolean;
  readonly stored?: EnvironmentVariableDto;
}

let lastKey = 0;
const nextKey = (): number => (lastKey += 1);

export const newRow = (fields: { name?: string; value?: string; secret?: boolean } = {}): VariableRow => ({
  key: nextKey(),
  name: fields.name ?? '',
  value: fields.value ?? '',
  secret: fields.secret ?? false,
});

export const rowsOf = (environment: EnvironmentDto): VariableRow[] =>
  environment.variables.map((stored) => ({
    key: nextKey(),
    name: stored.name,
    value: stored.value ?? '',
    secret: stored.secret,
    stored,
  }));

/** A stored secret whose value was left blank: blank means unchanged, because it can never be read back. */
export const keepsSecret = (row: VariableRow): boolean =>
  row.stored?.secret === true && row.secret && row.value === '' && row.name === row.stored.name;

/** Whether a stored secret is taken out, or gets another value. */
export const dropsSecret = (
  rows: readonly VariableRow[],
  stored: readonly EnvironmentVariableDto[],
): boolean => rows.filter(keepsSecret).length < stored.filter(({ secret }) => secret).length;

export const isBlank = (row: VariableRow): boolean =>
  row.stored === undefined && row.name.trim() === '' && row.value === '';

/** What to send. Untouched new lines are left out; the index of a line is then the index in the error's path. */
export const inputOf = (rows: readonly VariableRow[], version: string): PutEnvironmentInput => ({
  version,
  variables: rows
    .filter((row) => !isBlank(row))
    .map((row) =>
      keepsSecret(row)
        ? { name: row.name, secret: true, unchanged: true }
        : { name: row.name.trim(), value: row.value, secret: row.secret },
    ),
});

const AGENT_KEYS: readonly string[] = [
  ...['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'],
  ...['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX'],
];

/** Whether a line is there with which Claude Code could sign in (runtime/README.md). */
export const hasAgentKey = (rows: readonly VariableRow[]): boolean =>
  rows.some(({ name }) => AGENT_KEYS.includes(name.trim()));

export const isRowChanged = (row: VariableRow): boolean => {
  const { stored } = row;
  if (stored === undefined) return !isBlank(row);
  if (row.name !== stored.name || row.secret !== stored.secret) return true;
  return stored.secret ? row.value !== '' : row.value !== stored.value;
};

export const isChanged = (rows: readonly VariableRow[], base: EnvironmentDto): boolean =>
  rows.some(isRowChanged) || rows.filter((row) => row.stored !== undefined).length !== base.variables.length;

export interface Rebased {
  readonly rows: VariableRow[];
  /** Names that both sides changed: this person's value stays in the form, for them to decide. */
  readonly both: readonly string[];
}

/**
 * Puts what a person has typed on top of what somebody else saved meanwhile: their lines come in where this person
 * changed nothing, this person's changes and removals stay.
 */
export function rebase(rows: readonly VariableRow[], base: EnvironmentDto, theirs: EnvironmentDto): Rebased {
  const mine = new Map(rows.filter((row) => row.stored !== undefined).map((row) => [row.stored?.name, row]));
  const before = new Map(base.variables.map((variable) => [variable.name, variable]));
  const both: string[] = [];
  const merged: VariableRow[] = [];
  for (const fresh of rowsOf(theirs)) {
    const old = before.get(fresh.name);
    const row = mine.get(fresh.name);
    if (old !== undefined && row === undefined) continue;
    if (row === undefined || !isRowChanged(row)) merged.push(fresh);
    else {
      if (!sameVariable(old, fresh.stored)) both.push(fresh.name);
      merged.push({ ...fresh, name: row.name, value: row.value, secret: row.secret });
    }
  }
  addMine(rows, theirs, { merged, both });
  return { rows: merged, both };
}

/** Puts the other side's variable in the place of this person's, or takes it out where the other side has none. */
export function withTheirs(
  rows: readonly VariableRow[],
  theirs: EnvironmentDto,
  names: readonly string[],
): VariableRow[] {
  const left = rows.filter((row) => !names.includes(row.name.trim()));
  return [...left, ...rowsOf(theirs).filter((row) => names.includes(row.name))];
}

const sameVariable = (
  a: EnvironmentVariableDto | undefined,
  b: EnvironmentVariableDto | undefined,
): boolean => a?.value === b?.value && a?.secret === b?.secret;

/** Lines of this person that the other side does not have: new ones, and changed ones that were removed there. */
function addMine(
  rows: readonly VariableRow[],
  theirs: EnvironmentDto,
  { merged, both }: { merged: VariableRow[]; both: string[] },
): void {
  const kept = new Set(theirs.variables.map((variable) => variable.name));
  const added = rows.filter(
    (row) => isRowChanged(row) && (row.stored === undefined || !kept.has(row.stored.name)),
  );
  for (const row of added) {
    const clash = merged.find((other) => other.name === row.name.trim());
    if (clash === undefined) merged.push(newRow(row));
    else {
      both.push(clash.name);
      Object.assign(clash, { value: row.value, secret: row.secret });
    }
  }
}
