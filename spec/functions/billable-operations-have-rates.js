// Reports operations without x-billing, and rate cards that lack a rate for one with some model.

export default function billableOperationsHaveRates(document) {
  const problems = [];
  const cards = Object.entries(document['x-credit-rates']?.cards ?? {});
  const models = document.components.schemas.ModelVersion.enum;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (!operation.operationId) continue;
      const billing = operation['x-billing'];
      const report = (message) => problems.push({ message: `${operation.operationId} ${message}`, path: ['paths', path, method, 'x-billing'] });
      if (!billing) report('has no x-billing');
      if (!billing || billing === 'free') continue;
      for (const [name, { rates }] of cards) {
        for (const model of models) {
          const fits = (rate) => rate.operation === billing && (rate.model_version ?? model) === model;
          if (!rates.some(fits)) report(`is billed as "${billing}", for which rate card "${name}" has no rate with ${model}`);
        }
      }
    }
  }
  return problems;
}
