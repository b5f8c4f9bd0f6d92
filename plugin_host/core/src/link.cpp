#include "antiphon/link.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#if defined(__linux__)
#include <dlfcn.h>
#endif

namespace antiphon {
namespace {

constexpr double kFirstBackoff = 0.1, kMaxBackoff = 1.0;  // seconds
constexpr double kAliveEvery = 0.2, kAvoidSeconds = 5.0;
constexpr int kRollingMs = 4, kRestingMs = 20, kGreetingMs = 10, kSearchingMs = 50;
constexpr int kBudget = 64;  // parts of each socket in one turn
constexpr std::chrono::milliseconds kEndWithin{400};

double now_seconds() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

std::string new_client_name() {
    std::random_device device;
    std::string name = "plugin-";
    for (int i = 0; i < 16; ++i) name += "0123456789abcdef"[device() % 16];
    return name;
}

// Keep this library in memory for good: a thread that does not end still runs in it.
void never_unload() {
#if defined(__linux__)
    Dl_info info;
    if (dladdr(reinterpret_cast<void*>(&never_unload), &info) != 0)
        dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
#endif
}

}  // namespace

// --- the bell -----------------------------------------------------------------------------------

Bell::Bell() {
    if (pipe(files_) != 0) return;
    for (const int file : files_) {
        fcntl(file, F_SETFL, O_NONBLOCK);
        fcntl(file, F_SETFD, FD_CLOEXEC);
    }
}

Bell::~Bell() {
    for (const int file : files_)
        if (file >= 0) close(file);
}

void Bell::ring() noexcept {
    const char one = 1;
    [[maybe_unused]] const auto written = write(files_[1], &one, 1);  // full: it rings already
}

void Bell::quiet() noexcept {
    char bytes[64];
    while (read(files_[0], bytes, sizeof bytes) > 0) {
    }
}

// --- the link -----------------------------------------------------------------------------------

Link::Link(std::shared_ptr<Shared> shared, LinkOptions options)
    : shared_(std::move(shared)),
      options_(std::move(options)),
      desk_(shared_->exchange, shared_->history, shared_->take) {
    memory_.client = new_client_name();
}

void Link::run() {
    while (!is_ending_.load(std::memory_order_acquire)) {
        const double now = now_seconds();
        if (!shared_->exchange.is_awake.load(std::memory_order_acquire)) {
            wait(kSearchingMs);
        } else if (desk_.is_replay_wanted()) {
            replay();
            wait(kRollingMs);
        } else if (desk_.is_replaying()) {
            end_replay();
        } else if (conversation_ == nullptr) {
            if (now >= search_at_) search(now);
            if (conversation_ == nullptr) wait(kSearchingMs);
        } else {
            converse(now);
            if (conversation_ != nullptr) wait(patience());
        }
    }
    if (conversation_ != nullptr) conversation_->leave();
    hang_up();
}

void Link::end() noexcept {
    is_ending_.store(true, std::memory_order_release);
    bell_.ring();
}

// --- finding an engine --------------------------------------------------------------------------

void Link::search(double now) {
    backoff_ = std::clamp(2.0 * backoff_, kFirstBackoff, kMaxBackoff);
    search_at_ = now + backoff_;
    std::string problem;
    if (zmq_ == nullptr) zmq_ = ZmqLibrary::load(problem);
    if (zmq_ == nullptr) return show(LinkState::searching, problem);
    settings_ = read_user_settings(problem);
    const std::optional<Engine> engine = choose(now, problem);
    if (engine) return connect(*engine, now);
    shared_->exchange.is_hopeful.store(false, std::memory_order_release);
    if (!problem.empty()) return show(LinkState::searching, problem);
    if (!options_.may_start)
        return show(LinkState::searching, "No engine is running. Start one: antiphon serve.");
    const std::string said = launcher_.start(settings_, now);
    const bool is_starting = launcher_.is_starting();
    shared_->exchange.is_hopeful.store(is_starting, std::memory_order_release);
    show(is_starting ? LinkState::starting : LinkState::searching, said);
}

std::optional<Engine> Link::choose(double now, std::string& problem) {
    const std::string& named = options_.engine.empty() ? settings_.engine : options_.engine;
    if (!named.empty()) {
        Engine engine;
        engine.control = named;
        engine.curve_key = settings_.engine_key;
        return engine;
    }
    std::vector<Engine> engines = find_engines(problem);
    if (now < avoid_until_ && !engines.empty()) {
        engines.erase(std::remove_if(engines.begin(), engines.end(),
                                     [this](const Engine& one) { return one.boot == avoid_; }),
                      engines.end());
        if (engines.empty()) {
            search_at_ = avoid_until_;
            problem = shared_->board.copy().reason;
        }
    }
    if (engines.empty()) return std::nullopt;
    return engines[attempts_++ % engines.size()];
}

void Link::connect(const Engine& engine, double now) {
    launcher_.settle();
    engine_ = engine;
    keys_ = CurveKeys();
    if (!engine.curve_key.empty() && !read_keys(settings_, engine.curve_key, keys_))
        return show(LinkState::searching,
                    "The engine asks for a key. Make one with `antiphon keys --client NAME`, and "
                    "name its files as \"keys\" in " +
                        settings_path() + ".");
    context_ = std::make_unique<Context>(*zmq_);
    control_ = std::make_unique<Dealer>(*context_, engine.control, keys_);
    if (!control_->is_open()) {
        show(LinkState::searching, "The engine's address " + engine.control + " is no address.");
        return disconnect(now);
    }
    shared_->exchange.is_hopeful.store(true, std::memory_order_release);
    conversation_ = std::make_unique<Conversation>(shared_->exchange, shared_->wishes,
                                                   shared_->board, memory_, *this, &desk_, now);
    alive_at_ = now + kAliveEvery;
}

// --- talking with it ----------------------------------------------------------------------------

void Link::converse(double now) {
    control_->receive(kBudget, [&](const void* part, std::size_t size) {
        conversation_->take_control({static_cast<const char*>(part), size}, now);
    });
    if (audio_ != nullptr)
        audio_->receive(kBudget, [&](const void* part, std::size_t size) {
            conversation_->take_audio(part, size, now);
        });
    if (engine_.pid != 0 && now >= alive_at_) {
        alive_at_ = now + kAliveEvery;
        if (!is_alive(engine_.pid)) conversation_->lose("The engine is gone.");
    }
    desk_.note();
    conversation_->turn(now);
    desk_.record();
    if (!desk_.problem().empty()) shared_->board.remark(desk_.problem());
    if (conversation_->phase() == Conversation::Phase::playing) {
        attempts_ = 0;
        backoff_ = 0.0;
    }
    if (conversation_->phase() == Conversation::Phase::over) disconnect(now);
}

void Link::disconnect(double now) {
    if (conversation_ != nullptr) {
        if (conversation_->is_refused()) {
            avoid_ = engine_.boot;
            avoid_until_ = now + kAvoidSeconds;
        }
        const std::string reason = conversation_->end_reason();
        conversation_.reset();
        shared_->board.change([](Report& report) { ++report.reconnects; });
        show(LinkState::searching, reason);
    }
    hang_up();
    search_at_ = now + std::max(backoff_, kFirstBackoff);
}

void Link::hang_up() {
    conversation_.reset();
    audio_.reset();
    control_.reset();
    context_.reset();
}

// --- a take instead of the engine ---------------------------------------------------------------

void Link::replay() {
    if (!desk_.is_replaying()) {
        if (conversation_ != nullptr) conversation_->leave();
        hang_up();
        desk_.begin_replay(memory_);
    }
    desk_.replay();
    shared_->exchange.is_linked.store(true, std::memory_order_release);
    show(LinkState::replaying, desk_.problem());
}

void Link::end_replay() {
    desk_.end_replay(memory_);
    shared_->exchange.is_linked.store(false, std::memory_order_release);
    search_at_ = 0.0;
}

bool Link::send_control(const std::string& part) {
    return control_ != nullptr && control_->send(part.data(), part.size());
}

bool Link::send_audio(const void* part, std::size_t size) {
    return audio_ != nullptr && audio_->send(part, size);
}

void Link::connect_audio(const std::string& endpoint) {
    audio_ = std::make_unique<Dealer>(*context_, endpoint, keys_);
}

// --- waiting ------------------------------------------------------------------------------------

int Link::patience() const {
    if (conversation_->phase() != Conversation::Phase::playing) return kGreetingMs;
    return shared_->exchange.is_rolling.load(std::memory_order_acquire) ? kRollingMs : kRestingMs;
}

void Link::wait(int milliseconds) {
    if (context_ == nullptr || control_ == nullptr) {
        pollfd one{bell_.file(), POLLIN, 0};
        poll(&one, 1, milliseconds);
    } else {
        zmq_pollitem_t items[3] = {{nullptr, bell_.file(), ZMQ_POLLIN, 0},
                                   {control_->get(), 0, ZMQ_POLLIN, 0},
                                   {audio_ != nullptr ? audio_->get() : nullptr, 0, ZMQ_POLLIN, 0}};
        const bool has_audio = audio_ != nullptr && audio_->is_open();
        zmq_->poll(items, has_audio ? 3 : 2, milliseconds);
    }
    bell_.quiet();
}

void Link::show(LinkState state, const std::string& reason) {
    shared_->board.change([&](Report& report) {
        report.state = state;
        report.reason = reason;
    });
}

// --- the thread ---------------------------------------------------------------------------------

LinkThread::LinkThread(std::shared_ptr<Shared> shared, LinkOptions options)
    : link_(std::make_shared<Link>(std::move(shared), std::move(options))) {
    std::promise<void> ended;
    ended_ = ended.get_future();
    thread_ = std::thread([link = link_, ended = std::move(ended)]() mutable {
        link->run();
        link.reset();
        ended.set_value();
    });
}

LinkThread::~LinkThread() {
    link_->end();
    if (ended_.wait_for(kEndWithin) == std::future_status::ready) {
        thread_.join();
    } else {
        never_unload();
        thread_.detach();
    }
}

}  // namespace antiphon
