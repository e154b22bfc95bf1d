export { startGitService, type GitLimits, type GitService } from './git-service.js';
