export { isSetpointError, SetpointError, type ErrorCode } from './errors/index.ts';
