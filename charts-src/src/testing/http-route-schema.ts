import type { StructuralSchema } from './structural-schema.js';

/** RFC 1123, as the Gateway API says it. */
const LABEL = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';
const SUBDOMAIN = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
/** GEP-2257. */
const DURATION = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

/**
 * What the standard channel of Gateway API 1.2 says of an HTTPRoute (v1), as far as we use it. Filters, headers and
 * weights above one are left out: a route of ours has none, so they are unknown here.
 */
export const HTTP_ROUTE: StructuralSchema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  properties: {
    apiVersion: { type: 'string', enum: ['gateway.networking.k8s.io/v1'] },
    kind: { type: 'string', enum: ['HTTPRoute'] },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      properties: {
        parentRefs: {
          type: 'array',
          maxItems: 32,
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              group: { type: 'string', maxLength: 253, enum: ['gateway.networking.k8s.io'] },
              kind: { type: 'string', enum: ['Gateway'] },
              name: { type: 'string', maxLength: 253 },
              namespace: { type: 'string', maxLength: 63, pattern: LABEL },
              sectionName: { type: 'string', maxLength: 253, pattern: SUBDOMAIN },
            },
          },
        },
        hostnames: {
          type: 'array',
          maxItems: 16,
          items: { type: 'string', maxLength: 253, pattern: SUBDOMAIN },
        },
        rules: {
          type: 'array',
          maxItems: 16,
          items: {
            type: 'object',
            properties: {
              matches: {
                type: 'array',
                maxItems: 64,
                items: {
                  type: 'object',
                  properties: {
                    path: {
                      type: 'object',
                      properties: {
                        type: { type: 'string', enum: ['Exact', 'PathPrefix'] },
                        value: { type: 'string', maxLength: 1024, pattern: '^/' },
                      },
                    },
                  },
                },
              },
              backendRefs: {
                type: 'array',
                maxItems: 16,
                items: {
                  type: 'object',
                  required: ['name'],
                  properties: {
                    group: { type: 'string', enum: [''] },
                    kind: { type: 'string', enum: ['Service'] },
                    name: { type: 'string', maxLength: 253 },
                    port: { type: 'integer' },
                    weight: { type: 'integer' },
                  },
                },
              },
              timeouts: {
                type: 'object',
                properties: {
                  request: { type: 'string', pattern: DURATION },
                  backendRequest: { type: 'string', pattern: DURATION },
                },
              },
            },
          },
        },
      },
    },
  },
};
