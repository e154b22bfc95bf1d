import type { DriftDifferenceDto, DriftDto, FieldManagerDto } from '@fullstackagent/controller/contract';
import { describe, expect, it } from 'vitest';
import { changedAt, changedBy, meaningOf, summaryOf } from './drift.js';

const drift = (compared: number, differing: number): DriftDto => ({
  commit: 'c'.repeat(40),
  applied: true,
  compared,
  objects: Array.from({ length: differing }, (_, index) => ({
    kind: 'Service',
    name: `s${index}`,
    state: 'missing' as const,
    differences: [],
  })),
});

describe('summaryOf', () => {
  it.each([
    [0, 0, 'Nothing is rendered yet.'],
    [9, 0, 'All 9 objects are on the cluster as they are on branch rendered.'],
    [9, 1, '1 of 9 objects differs.'],
    [9, 2, '2 of 9 objects differ.'],
  ])('%d objects, %d of them differ', (compared, differing, text) => {
    expect(summaryOf(drift(compared, differing))).toBe(text);
  });
});

describe('changedBy', () => {
  const flux: FieldManagerDto = {
    manager: 'kustomize-controller',
    operation: 'Apply',
    at: '2026-11-23T07:00:00Z',
    applier: true,
  };
  const ada: FieldManagerDto = { manager: 'ada', operation: 'Update', applier: false };
  const by = (...managers: FieldManagerDto[]): DriftDifferenceDto => ({
    path: 'spec.replicas',
    how: 'changed',
    by: managers,
  });

  it('names who is not the applier', () => {
    expect(changedBy(by(flux, ada))).toBe('by ada');
    expect(changedAt(by(flux, ada))).toBeUndefined();
  });

  it('says where only the applier is named, and where nobody is', () => {
    expect(changedBy(by(flux))).toBe('on the way from kustomize-controller to the cluster');
    expect(changedAt(by(flux))).toBe(flux.at);
    expect(changedBy(by())).toBe('the cluster does not tell by whom');
  });
});

describe('meaningOf', () => {
  const difference = (path: string, how: DriftDifferenceDto['how']): DriftDifferenceDto => ({
    path,
    how,
    by: [],
  });

  it('says what an API server does not know, which takes a field away without a word', () => {
    const dropped = difference('spec.template.spec.hostUsers', 'removed');
    expect(meaningOf(dropped)).toContain('The sandbox runs without one');
  });

  it.each([
    difference('spec.template.spec.hostUsers', 'changed'),
    difference('spec.template.spec.hostNetwork', 'removed'),
    difference('data.spec\\.hostUsers', 'removed'),
  ])('is silent of what speaks for itself: $path, $how', (other) => {
    expect(meaningOf(other)).toBeUndefined();
  });
});
