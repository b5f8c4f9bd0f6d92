// The link: one thread that finds the engine, talks with it, and finds it again.
//
// Started when the plugin is activated, asleep until audio is processed for the first time: a host
// that only looks at the plugin never makes it touch a socket. Ends within 0.4 s whatever the
// engine does. Everything it shares is kept alive by it, so even a thread that a broken system
// keeps from ending harms nobody.

#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "antiphon/conversation.h"
#include "antiphon/discovery.h"
#include "antiphon/history.h"
#include "antiphon/launcher.h"
#include "antiphon/socket.h"
#include "antiphon/take_desk.h"

namespace antiphon {

// What the link shares with the rest of one instance.
struct Shared {
    Exchange exchange;
    Wishes wishes;
    ReportBoard board;
    History history;
    TakeSlip take;
};

struct LinkOptions {
    std::string engine;     // an address, instead of looking for one
    bool may_start = true;  // whether an engine may be started
};

// Wakes the link's thread. `ring` is one write to a pipe.
class Bell {
  public:
    Bell();
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    void ring() noexcept;
    void quiet() noexcept;
    int file() const noexcept { return files_[0]; }

  private:
    int files_[2] = {-1, -1};
};

class Link final : public Sender {
  public:
    Link(std::shared_ptr<Shared> shared, LinkOptions options);

    // The thread's body.
    void run();
    // [any-thread]
    void end() noexcept;
    void wake() noexcept { bell_.ring(); }

    bool send_control(const std::string& part) override;
    bool send_audio(const void* part, std::size_t size) override;
    void connect_audio(const std::string& endpoint) override;

  private:
    void search(double now);
    std::optional<Engine> choose(double now, std::string& problem);
    void connect(const Engine& engine, double now);
    void converse(double now);
    void replay();
    void end_replay();
    void hang_up();
    void disconnect(double now);
    void wait(int milliseconds);
    int patience() const;
    void show(LinkState state, const std::string& reason);

    std::shared_ptr<Shared> shared_;
    LinkOptions options_;
    Bell bell_;
    std::atomic<bool> is_ending_{false};
    Memory memory_;
    TakeDesk desk_;
    Launcher launcher_;
    const ZmqLibrary* zmq_ = nullptr;
    std::unique_ptr<Context> context_;
    std::unique_ptr<Dealer> control_, audio_;
    std::unique_ptr<Conversation> conversation_;
    Engine engine_;
    CurveKeys keys_;
    UserSettings settings_;
    double search_at_ = 0.0, backoff_ = 0.0, alive_at_ = 0.0, avoid_until_ = 0.0;
    std::string avoid_;  // boot of an engine that refused
    std::size_t attempts_ = 0;
};

// Runs a link on a thread of its own.
class LinkThread {
  public:
    LinkThread(std::shared_ptr<Shared> shared, LinkOptions options);
    ~LinkThread();
    void wake() noexcept { link_->wake(); }

  private:
    std::shared_ptr<Link> link_;
    std::future<void> ended_;
    std::thread thread_;
};

}  // namespace antiphon
