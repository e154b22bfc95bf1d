export * from './types.js';
export { createIngress } from './ingress.js';
