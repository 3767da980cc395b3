// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EscrowTest, IDRaaSEscrow, Parameters} from "./EscrowTest.sol";

/// @dev The part of the resource token that only test networks have.
interface IFaucet {
    error FaucetClosed();
    error FaucetUsed(uint256 opensAt);

    function faucet() external;
    function faucetOpensAt(address account) external view returns (uint256);
}

contract TokenTest is EscrowTest {
    function test_the_faucet_gives_once_an_hour_on_test_networks_only() public {
        uint256[4] memory testNetworks = [uint256(1337), 5777, 31337, 11155111];
        for (uint256 i = 0; i < 4; ++i) {
            vm.chainId(testNetworks[i]);
            draw(address(uint160(0xF0 + i)));
            vm.assertEq(token.balanceOf(address(uint160(0xF0 + i))), 1000e18);
        }
        vm.expectRevert(abi.encodeWithSelector(IFaucet.FaucetUsed.selector, T0 + 3600));
        draw(address(0xF0));
        at(3600);
        draw(address(0xF0));
        vm.assertEq(token.balanceOf(address(0xF0)), 2000e18);
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(IFaucet.FaucetClosed.selector));
        draw(address(0xF0));
    }

    function test_a_deployment_tells_its_parameters() public view {
        vm.assertEq(escrow.token(), address(token));
        vm.assertEq(escrow.arbitrator(), address(arbitrator));
        vm.assertEq(escrow.window(), WINDOW);
        vm.assertEq(escrow.lapseAfter(), LAPSE_AFTER);
        vm.assertEq(escrow.settleGrace(), GRACE);
        vm.assertEq(escrow.bondPerUnit(), BOND_PER_UNIT);
        vm.assertEq(escrow.disputeBond(), DISPUTE_BOND);
        vm.assertEq(escrow.rulingTime(), RULING_TIME);
        vm.assertEq(escrow.unbondTime(), UNBOND_TIME);
        vm.assertEq(escrow.lapsesPerSlash(), LAPSES_PER_SLASH);
        vm.assertEq(escrow.courtId(), 0);
        vm.assertEq(escrow.minJurors(), 3);
    }

    function test_a_deployment_without_token_or_arbitrator_is_refused() public {
        refusesDeployment(address(1), address(arbitrator), parameters());
        refusesDeployment(address(token), address(0), parameters());
        refusesDeployment(address(token), address(1), parameters());
    }

    function test_a_deployment_without_sound_spans_is_refused() public {
        Parameters[10] memory p;
        for (uint256 i = 0; i < 10; ++i) {
            p[i] = parameters();
        }
        p[0].window = 0;
        p[1].lapseAfter = 0;
        p[2].settleGrace = 0;
        p[3].settleGrace = uint256(type(uint32).max) + 1;
        p[4].rulingTime = 0;
        p[5].unbondTime = 2 * WINDOW + RULING_TIME; // a bond must outlast the last ruling
        p[6].unbondTime = uint256(type(uint32).max) + 1;
        p[7].bondPerUnit = uint256(type(uint128).max) + 1;
        p[8].disputeBond = uint256(type(uint128).max) + 1;
        p[9].lapsesPerSlash = 0;
        for (uint256 i = 0; i < 10; ++i) {
            refusesDeployment(address(token), address(arbitrator), p[i]);
        }
        p[0] = parameters();
        p[0].unbondTime = 2 * WINDOW + RULING_TIME + 1;
        newEscrow(address(token), address(arbitrator), p[0]);
    }

    function test_a_market_without_bonds_works() public {
        Parameters memory p = parameters();
        p.bondPerUnit = 0;
        escrow = newEscrow(address(token), address(arbitrator), p);
        vm.prank(consumer);
        token.approve(address(escrow), DEPOSIT);
        register(provider);
        (, bytes32 id) = running();
        at(10);
        complete(id, full(10));
        at(400);
        vm.assertEq(withdraw(provider, id, 1), price(10));
    }

    function draw(address who) private {
        vm.prank(who);
        IFaucet(address(token)).faucet();
    }

    function refusesDeployment(address token_, address arbitrator_, Parameters memory p) private {
        try this.deploy(token_, arbitrator_, p) returns (IDRaaSEscrow) {
            vm.assertTrue(false, "deployed");
        } catch {}
    }

    function deploy(address token_, address arbitrator_, Parameters memory p) external returns (IDRaaSEscrow) {
        return newEscrow(token_, arbitrator_, p);
    }
}
