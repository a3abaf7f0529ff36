/** JSON Schema of the routes, out of the zod schemas that check them: always what travels, never what parsing makes of it. */
import type { SwaggerTransform } from "@fastify/swagger";
import { z } from "zod";

const describe = (schema: unknown): unknown => {
  if (!(schema instanceof z.ZodType)) return schema;
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return json;
};

export const describeRoutes: SwaggerTransform = ({ schema, url }) => {
  if (typeof schema !== "object" || schema === null) return { schema, url };
  const described: Record<string, unknown> = { ...schema };
  for (const part of ["body", "querystring", "params", "headers"] as const)
    if (schema[part] !== undefined) described[part] = describe(schema[part]);
  if (schema.response !== undefined)
    described["response"] = Object.fromEntries(
      Object.entries(schema.response as object).map(([status, one]) => [status, describe(one)]),
    );
  return { schema: described, url };
};
