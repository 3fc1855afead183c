export { memoryProvider, memoryProvider as default, type MemoryProviderOptions } from "./provider.ts";
