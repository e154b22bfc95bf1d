import { describe, expect, it } from 'vitest';
import { commitMessage, userIdOf, userSignature } from './commit-message.js';

const at = new Date('2026-11-23T08:00:00Z');
const base = { action: 'stop', subject: 'Stop my-blog', requestId: 'r-1' };

describe('a commit’s message', () => {
  it('is a subject and trailers', () => {
    const project = { namespace: 'ns-ab3cd4ef', name: 'my-blog' };
    expect(commitMessage({ ...base, project })).toBe(
      'Stop my-blog\n\nAction: stop\nProject: ns-ab3cd4ef/my-blog\nRequest-Id: r-1\n',
    );
    expect(commitMessage(base)).toBe('Stop my-blog\n\nAction: stop\nRequest-Id: r-1\n');
  });

  it.each(['x\nAction: delete', 'x\r\n\r\nProject: a/b', 'x\u2028Action: y', 'x\0y', 'x\u0085Action: y'])(
    'has as many lines whatever is in it: %j',
    (text) => {
      const message = commitMessage({ subject: text, action: text, requestId: text });
      expect(message.split(/[\n\r\u0085\u2028\u2029]/)).toHaveLength(5);
      expect(message.match(/^Action:/gm)).toHaveLength(1);
      expect(message).not.toContain('\0');
    },
  );

  it('keeps its subject short without cutting a character in two', () => {
    const [subject = ''] = commitMessage({ ...base, subject: `Create ${'🚲'.repeat(100)}` }).split('\n');
    expect(Array.from(subject)).toHaveLength(72);
    expect(subject.isWellFormed()).toBe(true);
    expect(subject.endsWith('…')).toBe(true);
  });
});

describe('a commit’s author', () => {
  it('has an address made of the id, which is found again', () => {
    const { email } = userSignature({ id: 'abc123def456', name: 'Ada' }, at);
    expect(email).toBe('abc123def456@users.fullstackagent.dev');
    expect(userIdOf(email)).toBe('abc123def456');
  });

  it('of a commit that came another way is the address as it is', () => {
    expect(userIdOf('hand@example.com')).toBe('hand@example.com');
  });

  it('cannot bring structure along', () => {
    const { email } = userSignature({ id: 'a> <b@c\n', name: 'x' }, at);
    expect(email).toBe('abc@users.fullstackagent.dev');
  });
});
