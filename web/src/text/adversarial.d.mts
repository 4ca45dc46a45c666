export const ADVERSARIAL: Record<string, (n: number) => string>;
