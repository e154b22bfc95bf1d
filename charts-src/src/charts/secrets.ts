import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { agentOf, type ProjectVariable } from '../documents/index.js';
import { projectMeta, type ProjectContext } from './common.js';
import { SealedSecret, UserConfigMap, type UserData } from './user-data.js';

/** Not bound to a Secret's name: what was sealed once stays readable when an object is called otherwise one day. */
const NAMESPACE_WIDE = { 'sealedsecrets.bitnami.com/namespace-wide': 'true' } as const;

/** Variables by how they are kept: plain ones in a ConfigMap, sealed ones as ciphertext only. */
export const byKeeping = (env: readonly ProjectVariable[]) => ({
  plain: env.flatMap((entry) => ('value' in entry ? [[entry.name, entry.value] as const] : [])),
  sealed: env.flatMap((entry) => ('sealed' in entry ? [[entry.name, entry.sealed] as const] : [])),
});

/** The terminal's token and the user's variables. */
export class SecretsChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { names, spec } = context;
    const { plain, sealed } = byKeeping(spec.env);
    new UserConfigMap(this, 'env', {
      metadata: projectMeta(context, { name: names.env, component: 'environment' }),
      data: Object.fromEntries([...plain, ...agentVariable(context), ...workspaceVariables(context)]),
    });
    sealedSecret(this, context, {
      id: 'terminal',
      name: names.terminal,
      component: 'terminal',
      data: { TTYD_ACCESS_TOKEN: spec.terminal.sealedToken },
    });
    if (sealed.length > 0)
      sealedSecret(this, context, {
        id: 'sealed-env',
        name: names.env,
        component: 'environment',
        data: Object.fromEntries(sealed),
      });
  }
}

/**
 * Among the variables, because those reach each new shell without a restart. Nothing where Claude Code starts: what
 * projects rendered to before there was a choice stays as it is.
 */
const agentVariable = ({ platform, spec }: ProjectContext): readonly (readonly [string, string])[] => {
  const agent = agentOf(platform, spec);
  return agent === 'claude' ? [] : [['FULLSTACKAGENT_AGENT', agent]];
};

/**
 * Among the variables too, so that the pod template says nothing of them: a change restarts nothing, and what ran before
 * there were any was not restarted for them. Shells leave them out.
 */
function workspaceVariables({ spec: { workspace } }: ProjectContext): readonly (readonly [string, string])[] {
  const { repository, systemPrompt, git } = workspace ?? {};
  const values = {
    FULLSTACKAGENT_REPOSITORY: repository?.url,
    FULLSTACKAGENT_REPOSITORY_BRANCH: repository?.branch,
    FULLSTACKAGENT_SYSTEM_PROMPT: systemPrompt,
    FULLSTACKAGENT_GIT_NAME: git?.name,
    FULLSTACKAGENT_GIT_EMAIL: git?.email,
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
}

export function sealedSecret(
  chart: Chart,
  context: ProjectContext,
  secret: {
    readonly id: string;
    readonly name: string;
    readonly component: string;
    readonly data: UserData;
  },
): void {
  const { id, name, component, data } = secret;
  const metadata = projectMeta(context, { name, component, annotations: NAMESPACE_WIDE });
  new SealedSecret(chart, id, {
    metadata,
    template: { type: 'Opaque', metadata: { labels: metadata.labels } },
    encryptedData: data,
  });
}
