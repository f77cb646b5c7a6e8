// Adds the cost of each operation to its description in the built reference.

export default function plugin() {
  return { id: 'creatify', decorators: { oas3: { costs: () => ({ Root: { leave: addCosts } }) } } };
}

function addCosts(document) {
  delete document.tags;
  for (const item of Object.values(document.paths)) {
    for (const operation of Object.values(item).filter((member) => member.operationId)) {
      delete operation.tags; // Redoc folds tagged operations, and these are few
      operation.description += `\n\n${costs(document['x-credit-rates'], operation['x-billing'])}\n\n\`operationId: ${operation.operationId}\``;
    }
  }
}

function costs({ cards, default: byDefault }, billing) {
  if (billing === 'free') return '**Cost:** free';
  const lists = Object.entries(cards).map(([name, { rates }]) => {
    const lines = rates.filter((rate) => rate.operation === billing).map(line).join('\n');
    return `**Cost in credits** by rate card \`${name}\`${name === byDefault ? ', the default' : ''}:\n\n${lines}`;
  });
  return lists.join('\n\n');
}

function line({ model_version, credits, block_seconds, between, provenance }) {
  const model = model_version ? `\`${model_version}\`` : 'any model';
  const bounds = between?.map((bound) => bound.replaceAll('_', ' ')).join(' and ');
  const price = between ? `not documented, between ${bounds}` : `${credits} for every started ${block_seconds} s`;
  return `- ${model}: ${price} (${provenance})`;
}
