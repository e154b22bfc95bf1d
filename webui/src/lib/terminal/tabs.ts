import { SESSION_ID } from '@fullstackagent/controller/contract/terminal';

/** One named shell of a project. `id` is the session in the sandbox: the same id finds the same shell. */
export interface TerminalTab {
  readonly id: string;
  readonly name: string;
}

export interface TabList {
  readonly tabs: readonly TerminalTab[];
  readonly active: string;
}

export const TAB_NAME_MAX = 40;
export const TABS_MAX = 12;

export const firstTabs: TabList = { tabs: [{ id: 'main', name: 'main' }], active: 'main' };

/** What was stored, made usable: storage may hold anything, another version's or a hand's. */
export function restoreTabs(stored: string | null): TabList {
  const value = parsed(stored);
  const candidates: unknown = value['tabs'];
  if (!Array.isArray(candidates)) return firstTabs;
  const seen = new Set<string>();
  const tabs = candidates
    .filter(isTab)
    .filter(({ id }) => !seen.has(id) && seen.add(id))
    .slice(0, TABS_MAX);
  const [first] = tabs;
  if (first === undefined) return firstTabs;
  return { tabs, active: tabs.find(({ id }) => id === value['active'])?.id ?? first.id };
}

function parsed(stored: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(stored ?? 'null');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isTab(value: unknown): value is TerminalTab {
  if (typeof value !== 'object' || value === null || !('id' in value) || !('name' in value)) return false;
  const { id, name } = value;
  return (
    typeof id === 'string' && SESSION_ID.test(id) && typeof name === 'string' && name.length <= TAB_NAME_MAX
  );
}

/** @param random a new session id, drawn by the caller. */
export function addTab(list: TabList, random: string): TabList {
  if (list.tabs.length >= TABS_MAX) return list;
  const names = new Set(list.tabs.map(({ name }) => name));
  let number = list.tabs.length + 1;
  while (names.has(`shell ${number}`)) number += 1;
  return { tabs: [...list.tabs, { id: random, name: `shell ${number}` }], active: random };
}

/** Closing the active one shows its neighbour; the last one cannot be closed. */
export function closeTab(list: TabList, id: string): TabList {
  const at = list.tabs.findIndex((tab) => tab.id === id);
  if (at === -1 || list.tabs.length === 1) return list;
  const tabs = list.tabs.toSpliced(at, 1);
  const neighbour = tabs[Math.min(at, tabs.length - 1)]?.id ?? list.active;
  return { tabs, active: list.active === id ? neighbour : list.active };
}

export function renameTab(list: TabList, id: string, name: string): TabList {
  const wanted = name.trim().slice(0, TAB_NAME_MAX);
  if (wanted === '') return list;
  return { ...list, tabs: list.tabs.map((tab) => (tab.id === id ? { ...tab, name: wanted } : tab)) };
}
