import { defineConfig } from "drizzle-kit";

const config: ReturnType<typeof defineConfig> = defineConfig({
  dialect: "postgresql",
  schema: "./src/schema.ts",
  out: "./migrations",
});
export default config;
