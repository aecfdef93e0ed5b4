#include "mpi/agreement.h"

#include <algorithm>

#include "mpi/collectives.h"

namespace etalon::mpi {
std::vector<std::string> gather_texts(Transport& transport, const std::string& own) {
  std::vector<std::string> texts;
  for (const std::vector<uint8_t>& bytes : allgather(transport, reinterpret_cast<const uint8_t*>(own.data()), own.size())) texts.emplace_back(bytes.begin(), bytes.end());
  return texts;
}

void agree(ProcessTransport& transport, const std::string& problem) {
  const std::vector<std::string> problems = gather_texts(transport, problem);
  const auto first = std::find_if(problems.begin(), problems.end(), [](const std::string& one) { return !one.empty(); });
  if (first == problems.end()) return;
  const auto others = std::count_if(first + 1, problems.end(), [](const std::string& one) { return !one.empty(); });
  throw Refusal(transport.place(static_cast<int>(first - problems.begin())) + (others > 0 ? " and " + std::to_string(others) + " more" : "") + ": " + *first);
}
}  // namespace etalon::mpi
