import { z } from 'zod';
import { API_VERSION } from './api-version.js';
import { quota, range } from './limits.js';
import { namespaceName, singleLine } from './names.js';

export const memberRoles = ['owner', 'maintainer', 'viewer'] as const;
/** owner: everything, members too. maintainer: change projects. viewer: read. */
export type MemberRole = (typeof memberRoles)[number];

/** `tenants/<2>/<namespace>/tenant.yaml`: who may do what in one namespace. */
export const tenantSchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Tenant'),
  metadata: z.strictObject({ name: namespaceName }),
  spec: z.strictObject({
    displayName: singleLine(64, 'The display name'),
    members: z
      .array(
        z.strictObject({
          /** The portal's stable user id, never a name: the name stays outside git. */
          user: z.string().regex(/^[a-z0-9]{10,40}$/),
          role: z.enum(memberRoles),
        }),
      )
      .min(1, 'A tenant has at least one member.'),
    /**
     * Where what runs here may connect to outside of the cluster. Absent: everywhere but where the platform says no.
     * What the platform blocks stays blocked.
     */
    egress: z
      .strictObject({
        allow: z.union(
          [z.literal('none'), z.array(range).min(1).max(50)],
          'This is "none" or a list of ranges.',
        ),
      })
      .optional(),
    /** In place of the platform's, field by field. */
    quota: quota.partial().optional(),
  }),
});

export type TenantDocument = z.infer<typeof tenantSchema>;
