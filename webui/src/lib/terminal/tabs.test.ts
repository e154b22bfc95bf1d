import { describe, expect, it } from 'vitest';
import { addTab, closeTab, firstTabs, renameTab, restoreTabs, TABS_MAX } from './tabs.js';

const three = addTab(addTab(firstTabs, 'bbb'), 'ccc');

describe('tabs of a terminal', () => {
  it('are named by number and become active when added', () => {
    expect(three).toEqual({
      tabs: [
        { id: 'main', name: 'main' },
        { id: 'bbb', name: 'shell 2' },
        { id: 'ccc', name: 'shell 3' },
      ],
      active: 'ccc',
    });
    expect(addTab(closeTab(three, 'bbb'), 'ddd').tabs.map(({ name }) => name)).toEqual([
      'main',
      'shell 3',
      'shell 4',
    ]);
  });

  it('have an end', () => {
    let list = firstTabs;
    for (let index = 0; index < 40; index += 1) list = addTab(list, `s${index}`);
    expect(list.tabs).toHaveLength(TABS_MAX);
  });

  it('show the neighbour of the one that was closed, and keep the last', () => {
    expect(closeTab(three, 'ccc').active).toBe('bbb');
    expect(closeTab({ ...three, active: 'main' }, 'main').active).toBe('bbb');
    expect(closeTab(three, 'main').active).toBe('ccc');
    expect(closeTab(firstTabs, 'main')).toBe(firstTabs);
  });

  it('take a new name, but no empty one', () => {
    expect(renameTab(three, 'bbb', '  server ').tabs[1]?.name).toBe('server');
    expect(renameTab(three, 'bbb', '   ')).toBe(three);
    expect(renameTab(three, 'bbb', 'x'.repeat(99)).tabs[1]?.name).toHaveLength(40);
  });
});

describe('restoreTabs', () => {
  it('finds what was stored', () => {
    expect(restoreTabs(JSON.stringify(three))).toEqual(three);
  });

  it.each([
    null,
    '',
    'nonsense',
    '[]',
    '{"tabs":{}}',
    '{"tabs":[]}',
    '{"tabs":[{"id":"../etc","name":"x"},{"id":"a b","name":"x"},{"id":1,"name":"x"},null]}',
  ])('starts anew from %j', (stored) => {
    expect(restoreTabs(stored)).toBe(firstTabs);
  });

  it('drops doubles and an active tab that is not there', () => {
    const stored = { tabs: [...three.tabs, three.tabs[1]], active: 'gone' };
    expect(restoreTabs(JSON.stringify(stored))).toEqual({ ...three, active: 'main' });
  });
});
